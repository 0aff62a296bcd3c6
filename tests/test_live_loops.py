"""Inside loops as people write them: the figures are true, and the training is the same to the bit."""

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
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


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


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


def test_with_a_scaler_gradients_have_their_true_size() -> None:
    for fused in (False, True):  # a fused kernel divides by the scale itself
        model, data = Functional().eval(), vectors()
        twin = copy.deepcopy(model)
        optimizer = torch.optim.Adam(model.parameters(), fused=fused)
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        with Monitor(model, optimizer, scaler=scaler) as monitor:
            for _ in range(2):
                optimizer.zero_grad()
                scaler.scale(F.cross_entropy(model(data[0]), data[1])).backward()
                scaler.step(optimizer)
                scaler.update()
        plain = trained(twin, data, steps=1).tables
        for table, column in (
            ("layers", "activation_gradient_l2"),
            ("layers", "weight_gradient_l2"),
            ("layers", "weight_gradient_rms"),
            ("probes", "sensitivity"),
            ("probes", "sample_gradient"),
            ("probes", "weight_gradient_mean"),
        ):
            found, expected = monitor.tables[table], plain[table]
            assert found[found.step == 0][column].tolist() == pytest.approx(expected[column].tolist(), rel=1e-4), column


def test_a_step_the_scaler_leaves_out_leaves_nothing_behind() -> None:
    model, data = Functional().eval(), vectors()
    twin = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127)  # so the first backward pass overflows
    done, passes = [], 0
    optimizer.register_step_post_hook(lambda *args: done.append(passes))
    with Monitor(model, optimizer, scaler=scaler) as monitor:
        while not done:
            passes += 1
            optimizer.zero_grad()
            loss = F.cross_entropy(100 * model(data[0]), data[1])
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
    assert passes > 1
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.05)
    with Monitor(twin, optimizer) as plain:
        F.cross_entropy(100 * twin(data[0]), data[1]).backward()
        optimizer.step()
    for column in ("sensitivity", "sample_gradient"):
        found, expected = monitor.tables["probes"][column].tolist(), plain.tables["probes"][column].tolist()
        assert found == pytest.approx(expected, rel=1e-3)


def closure_loop(make: Callable[[list[nn.Parameter]], torch.optim.Optimizer], monitored: bool) -> Any:
    torch.manual_seed(0)
    model, data = Functional().eval(), vectors()
    optimizer = make(list(model.parameters()))

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(data[0]), data[1])
        loss.backward()
        return loss

    monitor = Monitor(model, optimizer)
    if monitored:
        monitor.start()
    losses = [optimizer.step(closure).item() for _ in range(3)]  # type: ignore[union-attr, arg-type]
    monitor.stop()
    return model, losses, monitor.tables


@pytest.mark.parametrize(
    "make", [lambda p: torch.optim.LBFGS(p, lr=0.1, max_iter=4), lambda p: torch.optim.SGD(p, lr=0.1)]
)
def test_closures_tell_the_loss_and_are_measured_at_their_first_call(make: Any) -> None:
    bare, losses, _ = closure_loop(make, monitored=False)
    watched, _, tables = closure_loop(make, monitored=True)
    assert all(torch.equal(a, b) for a, b in zip(bare.parameters(), watched.parameters(), strict=True))
    assert tables["steps"].loss.tolist() == pytest.approx(losses)
    torch.manual_seed(0)
    first = trained(Functional().eval(), vectors(), steps=1).tables["probes"]
    found = tables["probes"]
    assert found[found.step == 0].sensitivity.tolist() == pytest.approx(first.sensitivity.tolist(), rel=1e-5)
    assert (tables["layers"].update_ratio > 0).all()


def test_several_optimizers_of_one_network() -> None:
    model, data = Functional().eval(), vectors()
    matrices = [p for p in model.parameters() if p.ndim > 1]
    rest = [p for p in model.parameters() if p.ndim < 2]
    optimizers = [torch.optim.SGD(matrices, lr=0.1), torch.optim.Adam(rest)]
    with Monitor(model, optimizers) as monitor:
        for _ in range(3):
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss = F.cross_entropy(model(data[0]), data[1])
            monitor.log(loss)
            loss.backward()
            for optimizer in optimizers:
                optimizer.step()
    tables = monitor.tables
    assert tables["steps"].step.tolist() == [0, 1, 2]
    assert (tables["layers"].update_ratio > 0).all()
    whole = math.sqrt(sum(float(p.grad.square().sum()) for p in model.parameters() if p.grad is not None))
    assert tables["steps"].gradient_l2.iloc[-1] == pytest.approx(whole, rel=1e-5)


def test_two_losses_sent_back_one_after_the_other() -> None:
    model, (x, y) = Functional().eval(), vectors()
    twin = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Monitor(model, optimizer) as monitor:
        logits = model(x)
        F.cross_entropy(logits, y).backward(retain_graph=True)
        (3 * F.cross_entropy(logits, y)).backward()
        optimizer.step()
    plain = trained(twin, (x, y), steps=1).tables["probes"]  # the second is 3 times the first: norms add up to 4
    assert monitor.tables["probes"].sensitivity.tolist() == pytest.approx((4 * plain.sensitivity).tolist(), rel=1e-5)


def test_a_batch_norm_frozen_in_a_training_stays_as_it_is() -> None:
    model, data = SmallCNN(), images()
    model.features[1].eval()
    before = copy.deepcopy(model.features[1].state_dict())
    monitor = trained(model, data)
    assert all(torch.equal(before[key], value) for key, value in model.features[1].state_dict().items() if "run" in key)
    assert (monitor.tables["probes"].sensitivity > 0).all()


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


def test_the_gradient_through_time_is_that_of_the_inputs() -> None:
    for batch_first in (True, False):
        torch.manual_seed(0)
        model, (x, y) = Tagger(nn.RNN, batch_first), series(length=20)
        twin, x = copy.deepcopy(model), x if batch_first else x.transpose(0, 1)
        times = trained(model, (x, y), steps=1).tables["times"]
        inputs = x.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(F.cross_entropy(twin(inputs), y), inputs)
        expected = gradient.norm(dim=(0, 2) if batch_first else (1, 2))
        assert times.state_gradient_l2.tolist() == pytest.approx(expected.tolist(), rel=1e-4)
        assert times.time.tolist() == list(range(1, 21))
        assert times.lag.tolist() == list(range(19, -1, -1))
        assert set(times.layer) == {"recurrent"}


def test_a_bidirectional_layer_has_no_rows_through_time() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.recurrent, self.head = nn.LSTM(3, 4, bidirectional=True, batch_first=True), nn.Linear(8, CLASSES)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.recurrent(x)[0][:, -1])

    assert trained(Both(), series()).tables["times"].empty


def test_packed_sequences_are_measured() -> None:
    class Packed(Tagger):
        def forward(self, x: Tensor) -> Tensor:
            lengths = torch.arange(len(x), 0, -1).clamp_max(x.shape[1])
            packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
            return self.head(self.recurrent(packed)[1][0][-1])

    tables = trained(Packed(), series()).tables
    assert (tables["probes"].sensitivity > 0).all()
    assert tables["times"].empty


def dead_units(batch: int, steps: int, alive_at: int | None) -> list[float]:
    """dead_fraction of each step of a layer of 4 units, of which the last one is silent but for one step."""
    layer = nn.Linear(1, 4)
    model = nn.Sequential(layer, nn.ReLU(), nn.Linear(4, 2))
    with torch.no_grad():
        layer.weight.fill_(1.0)
        layer.bias.copy_(torch.tensor([0.0, 0.0, 0.0, -9.0]))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with Monitor(model, optimizer, dense_steps=steps) as monitor:
        for step in range(steps):
            x = torch.ones(batch, 1)
            x[0] = 10.0 if step == alive_at else 1.0
            F.cross_entropy(model(x), torch.zeros(batch, dtype=torch.long)).backward()
            optimizer.step()
    layers = monitor.tables["layers"]
    return list(layers[layers.kind == "hidden"].dead_fraction)


def test_dead_is_what_was_silent_on_hundreds_of_inputs() -> None:
    assert dead_units(batch=64, steps=2, alive_at=None) == [0.25, 0.25]
    small = dead_units(batch=16, steps=6, alive_at=None)
    assert np.isnan(small[:3]).all()  # fewer than 64 inputs say nothing
    assert small[3:] == [0.25, 0.25, 0.25]
    # spoke at step 1: alive while any of the last 512 inputs is of step 1
    assert dead_units(batch=128, steps=7, alive_at=1) == [0.25, 0.0, 0.0, 0.0, 0.0, 0.25, 0.25]


def workers() -> Iterator[None]:
    import torch.distributed as dist

    dist.init_process_group("gloo", init_method="tcp://127.0.0.1:29511", rank=0, world_size=1)
    try:
        yield
    finally:
        dist.destroy_process_group()


distributed = pytest.fixture(workers)


def test_inside_distributed_data_parallel(distributed: None) -> None:
    model, data = Functional().eval(), vectors()
    twin = copy.deepcopy(model)
    parallel = trained(nn.parallel.DistributedDataParallel(model), data).tables
    alone = trained(twin, data).tables
    assert parallel["probes"].name.tolist() == alone["probes"].name.tolist()
    for table, column in (("probes", "sensitivity"), ("layers", "weight_gradient_l2"), ("layers", "update_ratio")):
        assert parallel[table][column].tolist() == pytest.approx(alone[table][column].tolist(), rel=1e-5)


@pytest.mark.parametrize("reentrant", [True, False])
def test_with_activation_checkpointing(reentrant: bool) -> None:
    from torch.utils.checkpoint import checkpoint

    class Saving(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inward, self.middle = nn.Linear(6, 8), nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
            self.head = nn.Linear(8, CLASSES)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(checkpoint(self.middle, self.inward(x), use_reentrant=reentrant))

    model, data = Saving(), vectors()
    plain = nn.Sequential(model.inward, *model.middle, model.head)
    expected = trained(copy.deepcopy(plain), data).tables["probes"]
    found = trained(model, data).tables["probes"]
    if reentrant:  # inside of the checkpoint nothing has a gradient when the stages are looked for
        found, expected = found[found.name == "head"], expected[expected.kind == "output"]
    assert found.sensitivity.tolist() == pytest.approx(expected.sensitivity.tolist(), rel=1e-5)
