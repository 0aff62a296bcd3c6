"""What must not change a verdict: the scale of the loss, the width, the gauge of a ReLU net, the order of its units."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.composing import compose, small_build
from vgp_bench.architectures.stages import Architecture
from vgp_bench.data.objectives import Objective
from vgp_bench.diagnosis.case import JUDGED, Case, empty_tables
from vgp_bench.diagnosis.finding import Diagnosis
from vgp_bench.diagnosis.judge import diagnose
from vgp_bench.monitor.probing import Probe
from vgp_bench.records.rows import TABLES, Row
from vgp_bench.training.loop import Diverged

STEPS = 60
MLP = ["architecture=mlp", "initializer=he_normal", "optimizer=adam", "optimizer.eps=1e-30", "optimizer.lr=0.003"]
NETS = {
    "healthy": ["activation=relu", "architecture.depth=6", "architecture.width=32"],
    "vanishing (depth)": ["activation=sigmoid", "architecture.depth=12", "architecture.width=32"],
}


@dataclass(frozen=True)
class Scaled(Objective):
    """An objective whose loss is so many times as large."""

    inner: Objective
    factor: float

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self.factor * self.inner.loss(outputs, targets)

    def correct(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self.inner.correct(outputs, targets)


def judged(
    *words: str,
    change: Callable[[Architecture], None] | None = None,
    factor: float = 1.0,
    base: Sequence[str] = MLP,
) -> Diagnosis:
    """The diagnosis of a short training on the digits; change: done to the initialized network."""
    cadence = ["monitor=every_step", "monitor.probe_every=10", f"trainer.max_steps={STEPS}", "trainer.max_epochs=99"]
    loop = small_build(compose(*base, *cadence, *words))
    if change is not None:
        change(loop.model)  # type: ignore[arg-type]
    loop.step.objective = Scaled(loop.step.objective, factor)
    probe = loop.monitor.probe
    assert probe is not None
    loop.monitor.probe = Probe(probe.inputs, probe.targets, Scaled(probe.objective, factor))
    rows: list[Row] = []
    loop.sink = rows.append
    try:
        loop.train()
        state = "completed"
    except Diverged:
        state = "diverged"
    tables: dict[str, Any] = empty_tables()
    for name in JUDGED:
        found = [asdict(row) for row in rows if isinstance(row, TABLES[name])]
        if found:
            tables[name] = {column: np.array([row[column] for row in found]) for column in found[0]}
    return diagnose(Case(tables, state, loop.feed.chance.loss * factor))


def layers(model: nn.Module) -> list[nn.Linear]:
    return [module for module in model.modules() if isinstance(module, nn.Linear)]


def rescaled(model: nn.Module) -> None:
    """W_l, b_l times a, W_(l+1) over a: the same function of the input where phi is ReLU, in another gauge."""
    for number, (below, above) in enumerate(zip(layers(model)[:-1], layers(model)[1:], strict=True)):
        factor = 4.0 if number % 2 else 0.25
        for parameter in below.parameters():
            parameter.data *= factor
        above.weight.data /= factor


def permuted(model: nn.Module) -> None:
    """The units of every hidden layer in another order."""
    generator = torch.Generator().manual_seed(0)
    for below, above in zip(layers(model)[:-1], layers(model)[1:], strict=True):
        order = torch.randperm(below.out_features, generator=generator)
        for parameter in below.parameters():
            parameter.data.copy_(parameter.data[order].clone())
        above.weight.data.copy_(above.weight.data[:, order].clone())


@pytest.fixture(scope="module", params=NETS)
def net(request: pytest.FixtureRequest) -> tuple[str, Diagnosis]:
    return request.param, judged(*NETS[request.param])


def test_the_nets_are_what_they_are_called(net: tuple[str, Diagnosis]) -> None:
    assert net[1].label == net[0]


@pytest.mark.parametrize("power", [-8, -4, 4])
def test_the_scale_of_the_loss(net: tuple[str, Diagnosis], power: int) -> None:
    label, plain = net
    found = judged(*NETS[label], factor=10.0**power)
    assert found.label == label
    if plain.cause is not None and found.cause is not None:
        assert found.cause.evidence.value == pytest.approx(plain.cause.evidence.value, rel=1e-2)


def test_the_width(net: tuple[str, Diagnosis]) -> None:
    assert judged(*NETS[net[0]], "architecture.width=128").label == net[0]


def test_the_order_of_the_units(net: tuple[str, Diagnosis]) -> None:
    label, plain = net
    found = judged(*NETS[label], change=permuted)
    assert found.label == label
    if plain.cause is not None and found.cause is not None:
        assert found.cause.evidence.value == pytest.approx(plain.cause.evidence.value, rel=1e-2)
        assert found.cause.stage == plain.cause.stage


def test_the_gauge_of_a_relu_net() -> None:
    assert judged(*NETS["healthy"], change=rescaled).label == "healthy"
    vanished = ["activation=relu", "architecture.depth=20", "architecture.width=32"]
    slow = ["architecture=mlp", "initializer=pytorch_default", "optimizer=sgd", "optimizer.lr=0.01"]
    assert judged(*vanished, base=slow).label == "vanishing (depth)"
    assert judged(*vanished, base=slow, change=rescaled).label == "vanishing (depth)"


def test_a_remedy_changes_it() -> None:
    """So that none of the above passes because everything is called the same."""
    sigmoid = NETS["vanishing (depth)"]
    assert judged(*sigmoid, "activation=relu").label == "healthy"
