"""Inside loops as people write them: the figures are true, and the training is the same to the bit."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.composing import compose, small_build
from tests.foreign_networks import (
    CLASSES,
    Functional,
    Reader,
    Residual,
    SharedActivation,
    SmallCNN,
    Tagger,
    hooks_of,
    images,
    series,
    tokens,
    trained,
    vectors,
)
from vgp_bench.data.objectives import Classification
from vgp_bench.live.monitor import Monitor
from vgp_bench.monitor.cadence import Cadence
from vgp_bench.monitor.flow import flow_rows
from vgp_bench.monitor.monitor import Monitor as RunMonitor
from vgp_bench.monitor.monitor import Probe


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


Data = tuple[Tensor, Tensor]
NETWORKS: dict[str, tuple[Callable[[], nn.Module], Callable[[], Data]]] = {
    "functions": (Functional, vectors),
    "shared": (lambda: SharedActivation(nn.ELU(inplace=True)), vectors),
    "random slopes": (lambda: SharedActivation(nn.RReLU(inplace=True)), vectors),
    "cnn": (SmallCNN, images),
    "residual": (Residual, vectors),
    "lstm": (Tagger, series),
    "gru": (lambda: Tagger(nn.GRU), series),
    "rnn": (lambda: Tagger(nn.RNN), series),
    "transformer": (Reader, tokens),
}


def loop(model: nn.Module, data: Data, monitored: dict[str, Any] | None, autocast: bool = False) -> dict[str, Tensor]:
    """Weights and buffers after six steps of Adam in two micro-batches each, and a last random number."""
    torch.manual_seed(7)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    monitor = None if monitored is None else Monitor(model, optimizer, **monitored)
    if monitor is not None:
        monitor.start()
    for _ in range(6):
        optimizer.zero_grad()
        for x, y in zip(data[0].chunk(2), data[1].chunk(2), strict=True):
            with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                loss = F.cross_entropy(model(x), y) / 2
            if monitor is not None:
                monitor.log(loss)
            loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        with torch.no_grad():
            model(data[0])  # a validation, which must leave no mark
    if monitor is not None:
        monitor.stop()
        assert hooks_of(model) == 0
    return {**{name: value.clone() for name, value in model.state_dict().items()}, "random": torch.rand(3)}


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_measuring_leaves_the_training_the_same_to_the_bit(name: str, autocast: bool) -> None:
    make, sample = NETWORKS[name]
    model, data = make(), sample()
    twin = copy.deepcopy(model)
    bare, watched = (
        loop(model, data, None, autocast),
        loop(twin, data, {"dense_steps": 3, "every": 2, "overhead": None}, autocast),
    )
    assert bare.keys() == watched.keys()
    for key in bare:
        assert torch.equal(bare[key], watched[key]), key


def test_the_figures_are_those_of_a_run_of_our_own() -> None:
    """The same network, once as an architecture with stages in a run's own monitor, once as anybody's."""
    words = ["architecture=mlp", "architecture.depth=5", "architecture.width=16", "activation=tanh", "normalizer=batch"]
    model = small_build(compose(*words)).model.train()
    inputs, targets = torch.randn(64, 1, 8, 8), torch.randint(0, 10, (64,))
    probe = Probe(inputs, targets, Classification())
    twin = copy.deepcopy(model)
    expected_probes = flow_rows(model, model.stages(), probe, 0)
    observation = RunMonitor(model, Cadence(dense_steps=1, every=None, probe_every=None), None).begin(0, 10)
    assert observation is not None
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    F.cross_entropy(model(inputs), targets).backward()
    observation.after_backward({})
    optimizer.step()
    monitor = trained(twin, (inputs, targets), steps=1, lr=0.1)
    for table, expected in (("layers", observation.rows()), ("probes", expected_probes)):
        frame = monitor.tables[table]
        assert len(frame) == len(expected)
        for place, row in enumerate(expected):
            for column in frame.columns.difference(["name", "kind", "dead_fraction"]):
                assert frame[column][place] == pytest.approx(getattr(row, column), rel=1e-5, nan_ok=True), column


def test_a_step_that_is_not_measured_has_hooks_on_no_module() -> None:
    model, data = SmallCNN(), images()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    seen = []
    with Monitor(model, optimizer, dense_steps=2, every=3, overhead=None) as monitor:
        for _ in range(7):
            seen.append(hooks_of(model) > 0)
            F.cross_entropy(model(data[0]), data[1]).backward()
            optimizer.step()
    assert seen == [True, True, False, True, False, False, True]
    assert sorted(set(monitor.tables["layers"].step)) == [0, 1, 3, 6]
    assert sorted(set(monitor.tables["probes"].step)) == [0, 1, 3, 6]
    assert hooks_of(model) == 0
    assert not optimizer._optimizer_step_pre_hooks
    assert not optimizer._optimizer_step_post_hooks


def test_micro_batches_add_up_to_their_batch() -> None:
    model, (x, y) = Functional().eval(), vectors()
    twin = copy.deepcopy(model)
    whole = trained(model, (x, y), steps=1).tables
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.05)
    with Monitor(twin, optimizer) as monitor:
        for some, answers in zip(x.chunk(4), y.chunk(4), strict=True):
            loss = F.cross_entropy(twin(some), answers)
            monitor.log(loss)
            (loss / 4).backward()
        optimizer.step()
    parts = monitor.tables
    for table, columns in (
        ("probes", ["sensitivity", "sample_gradient"]),
        (
            "layers",
            ["activation_gradient_l2", "weight_gradient_l2", "update_ratio", "activation_mean", "activation_std"],
        ),
        ("steps", ["loss", "gradient_l2"]),
    ):
        assert len(parts[table]) == len(whole[table])
        for column in columns:
            assert parts[table][column].tolist() == pytest.approx(whole[table][column].tolist(), rel=1e-4), column


def test_a_loop_that_calls_parts_of_the_model_is_measured_from_the_second_step() -> None:
    def steps(say: bool) -> list[int]:
        model, (x, y) = nn.ModuleDict({"body": nn.Linear(6, 4), "head": nn.Linear(4, CLASSES)}), vectors()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with Monitor(model, optimizer) as monitor:
            for _ in range(3):
                loss = F.cross_entropy(model["head"](torch.relu(model["body"](x))), y)
                if say:
                    monitor.forward_done()
                loss.backward()
                optimizer.step()
        frame = monitor.tables["probes"]
        assert frame.sensitivity.notna().all()
        return sorted(set(frame.step))

    assert steps(say=False) == [1, 2]
    assert steps(say=True) == [0, 1, 2]


@pytest.mark.parametrize("late", [False, True])
def test_a_loss_belongs_to_its_step_told_before_it_or_after(late: bool) -> None:
    model, (x, y) = Functional().eval(), vectors()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    with Monitor(model, optimizer) as monitor:
        for step in range(4):
            optimizer.param_groups[0]["lr"] = 0.1 * (step + 1)
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            losses.append(loss.item())
            if not late:
                monitor.log(loss, accuracy=0.25)
            loss.backward()
            optimizer.step()
            if late:
                monitor.log(loss, accuracy=0.25)
    steps = monitor.tables["steps"]
    assert steps.step.tolist() == [0, 1, 2, 3]
    assert steps.loss.tolist() == pytest.approx(losses)
    assert steps.learning_rate.tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert steps.accuracy.tolist() == [0.25] * 4
