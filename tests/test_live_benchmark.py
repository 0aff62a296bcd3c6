"""What scripts/bench says of watched loops: who is timed when, and which ratio stands in the table."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from benchmarks import foreign_loops, live, watchers
from benchmarks.foreign_loops import ForeignLoop, Seconds

SMALL = ForeignLoop("small", lambda: nn.Sequential(nn.Flatten(), nn.Linear(4, 10)), (8, 2, 2), 3)


def test_everybody_is_timed_beside_the_bare_loop_of_its_round(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def watcher(name: str) -> Callable[..., contextlib.AbstractContextManager[Callable[[Tensor], None]]]:
        @contextlib.contextmanager
        def watch(model: nn.Module, optimizer: torch.optim.Optimizer) -> Iterator[Callable[[Tensor], None]]:
            order.append(name)
            losses: list[Tensor] = []
            yield losses.append
            assert len(losses) == SMALL.steps

        return watch

    monkeypatch.setattr(live, "nobody", watcher("-"))
    costs = live._costs(SMALL, {watchers.OURS: watcher("M"), "other": watcher("o")}, rounds=4)
    # the round to warm up; then each begins with the next one, and the other one is there in every second
    assert "".join(order) == "-M" + "-Mo" + "M-" + "o-M" + "-M"
    assert [(cost.watcher, len(cost.rounds)) for cost in costs] == [(watchers.OURS, 4), ("other", 2)]


def test_ratios_are_taken_round_by_round() -> None:
    rounds = [(Seconds(2, 3), Seconds(1, 2)), (Seconds(30, 12), Seconds(10, 10)), (Seconds(8, 2), Seconds(2, 1))]
    cells = live.Cost(watchers.OURS, SMALL, rounds).line().split(" | ")
    assert cells[2:] == ["1.500", "1.20 ... 2.00", "3.000", "2.00 ... 4.00", "at most 1.05", "2 |"]


@pytest.mark.parametrize("loop", foreign_loops.LOOPS, ids=lambda loop: loop.name)
def test_the_loops_train(loop: ForeignLoop) -> None:
    model = loop.make()
    model(torch.randn(2, *loop.batch[1:])).square().mean().backward()
    assert all(p.grad is not None for p in model.parameters())
    weight_layers = sum(isinstance(m, nn.Conv2d | nn.Linear | nn.LSTM) for m in model.modules())
    # ResNet-8: 7 convolutions, 2 around blocks, 1 classifier; 9 dense layers; an LSTM and its classifier
    assert weight_layers == {"MLP": 9, "Res": 10, "LST": 2}[loop.name[:3]]
