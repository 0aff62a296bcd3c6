"""What the Monitor says beside the verdict: what was forgotten, put off, never reached, never moved."""

import re
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.foreign_networks import CLASSES, Functional, Tagger, series, trained, vectors
from vgp_bench.live.monitor import Monitor


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


class CutOff(nn.Module):
    """What the first two layers give is detached, if asked for; a third is never called."""

    def __init__(self, cut: bool = True) -> None:
        super().__init__()
        self.low, self.middle = nn.Linear(6, 8), nn.Linear(8, 8)
        self.spare = nn.Linear(8, 8)
        self.top, self.head = nn.Linear(8, 8), nn.Linear(8, CLASSES)
        self.cut = cut

    def forward(self, x: Tensor) -> Tensor:
        h = torch.tanh(self.middle(torch.tanh(self.low(x))))
        logits: Tensor = self.head(torch.tanh(self.top(h.detach() if self.cut else h)))
        return logits


def train(monitor: Monitor, model: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 3) -> None:
    x, y = vectors()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        monitor.log(loss)
        loss.backward()
        optimizer.step()


def said_of(model: nn.Module, groups: Sequence[nn.Module], **options: float) -> list[str]:
    """Remarks after three measured steps of an optimizer of these parts of the model."""
    optimizer = torch.optim.SGD([p for part in groups for p in part.parameters()], lr=0.1, **options)
    with Monitor(model, optimizer) as monitor:
        train(monitor, model, optimizer)
    return monitor.remarks()


def test_a_training_without_faults_has_no_remark() -> None:
    assert trained(Functional(), vectors(), steps=4).remarks() == []
    assert trained(Tagger(), series(), steps=4).remarks() == []


def test_layers_below_a_detach_and_layers_never_called_are_named() -> None:
    model = CutOff()
    (remark,) = said_of(model, [model])
    assert remark.startswith(
        "no gradient reaches low, middle, spare at a measured step: behind a detach() or no_grad()"
    )


def test_without_the_detach_only_the_spare_layer_is() -> None:
    model = CutOff(cut=False)
    (remark,) = said_of(model, [model], weight_decay=0.1)
    assert remark.startswith("no gradient reaches spare at")


def test_gradients_of_zero_are_gradients() -> None:
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, CLASSES))
    nn.init.constant_(model[0].bias, -100)  # dead: nothing gets through
    (remark,) = said_of(model, [model])
    assert remark.startswith("the weights of Linear 0, Linear 2 moved at no measured step: their gradient")


def test_weights_that_no_optimizer_holds_are_named() -> None:
    model = Functional()
    (remark,) = said_of(model, [model.fc1, model.fc3])
    assert remark.startswith("not in the optimizer: fc2; their weights do not move, unless")


def test_a_learning_rate_of_0_moves_nothing() -> None:
    model = Functional()
    rates = [
        {"params": model.fc1.parameters(), "lr": 0.0},
        {"params": [*model.fc2.parameters(), *model.fc3.parameters()]},
    ]
    optimizer = torch.optim.SGD(rates, lr=0.1)
    with Monitor(model, optimizer) as monitor:
        train(monitor, model, optimizer, steps=1)
        assert monitor.remarks() == []  # a warm-up may begin at 0
        train(monitor, model, optimizer, steps=1)
    (remark,) = monitor.remarks()
    assert remark.startswith("the weights of fc1 moved at no measured step: their gradient or their learning rate is 0")


def test_weights_of_0_that_begin_to_move_have_moved() -> None:
    model = Functional().eval()
    nn.init.zeros_(model.fc3.weight)
    assert said_of(model, [model]) == []


def test_frozen_layers_are_named_and_many_are_counted() -> None:
    model = Functional()
    model.fc2.requires_grad_(False)
    assert said_of(model, [model]) == ["frozen (requires_grad=False): fc2"]
    deep = nn.Sequential(*(nn.Linear(6, 6) for _ in range(7)), nn.Linear(6, CLASSES))
    deep[:7].requires_grad_(False)
    names = "Linear 0, Linear 1, Linear 2 ... Linear 6 (7 layers)"
    assert said_of(deep, [deep]) == [f"frozen (requires_grad=False): {names}"]


def test_a_parametrized_weight_is_reached_under_its_layers_name() -> None:
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(6, 8)), nn.ReLU(), nn.Linear(8, CLASSES))
    assert said_of(model, [model]) == []
    assert said_of(model, [model[2]])[0].startswith("not in the optimizer: ParametrizedLinear 0;")


def test_a_second_optimizer_whose_gradients_come_later_reaches_its_layers() -> None:
    model = Functional()
    x, y = vectors()
    parts = [[*model.fc3.parameters()], [*model.fc1.parameters(), *model.fc2.parameters()]]
    optimizers = [torch.optim.SGD(parameters, lr=0.1) for parameters in parts]
    with Monitor(model, optimizers) as monitor:
        for parameters, optimizer in zip(parts, optimizers, strict=True):
            loss = F.cross_entropy(model(x), y)
            monitor.log(loss)
            loss.backward(inputs=parameters)
            optimizer.step()
    assert monitor.remarks() == []


def test_a_monitor_that_was_never_started() -> None:
    model = Functional()
    monitor = Monitor(model, torch.optim.SGD(model.parameters(), lr=0.1))
    assert monitor.verdict().startswith("undecided: the Monitor was never started: put the loop into its `with` block")
    assert "never started" in " ".join(monitor.report().split())


def test_a_loop_whose_steps_were_not_seen() -> None:
    model, (x, y) = Functional(), vectors()
    with Monitor(model, torch.optim.SGD(model.parameters(), lr=0.1)) as monitor:
        another = torch.optim.SGD(model.parameters(), lr=0.1)
        F.cross_entropy(model(x), y).backward()
        another.step()
    words = "undecided: no optimizer.step() was seen in the `with` block: give the Monitor the optimizer that the loop "
    assert monitor.verdict() == f"{words}steps"


def test_a_loss_that_was_never_told() -> None:
    monitor = trained(Functional(), vectors(), steps=30, log=False)
    assert monitor.verdict().startswith("undecided: no loss was told: call monitor.log(loss) in every step")
    told = trained(Functional(), vectors(), steps=30)
    assert "told" not in told.verdict()
    assert "log(" not in told.report()


def test_looks_that_were_put_off_are_told_with_what_they_cost() -> None:
    # A bound so low that nothing after the first step fits in it.
    monitor = trained(Functional(), vectors(), steps=11, dense_steps=1, every=2, overhead=1e-9)
    (remark,) = monitor.remarks()
    assert re.match(
        r"of 5 looks \(every=2\) 5 were put off and 0 made up for later: a measured step takes \d+\.\d times", remark
    )
    assert "overhead=1e-09 allows 0% of the time" in remark
    assert trained(Functional(), vectors(), steps=11, dense_steps=1, every=2, overhead=None).remarks() == []


def test_every_line_of_a_report_fits_eighty_columns() -> None:
    class Nested(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a_name_that_is_much_longer_than_a_table_has_room_for = nn.ModuleDict({"the_first": CutOff()})

        def forward(self, x: Tensor) -> Tensor:
            logits: Tensor = self.a_name_that_is_much_longer_than_a_table_has_room_for["the_first"](x)
            return logits

    monitor = trained(Nested(), vectors(), steps=40, dense_steps=1, every=2, overhead=1e-9)
    lines = monitor.report().splitlines()
    assert max(map(len, lines)) <= 80
    rows = [line.split()[0] for line in lines if re.search(r"\.\d", line) and line.startswith("...")]
    assert [row.rpartition(".")[2] for row in rows] == ["low", "middle", "top", "head"]
    assert sum(line.startswith("note ") for line in lines) == 2
    text = " ".join(monitor.report().split())
    assert all(remark in text for remark in monitor.remarks())
