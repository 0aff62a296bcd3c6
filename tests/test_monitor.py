"""Every statistic against its definition: an obvious, slow twin, or a net whose figures are known by hand."""

import copy
import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.composing import compose, names_on_disk, small_build
from tests.probing import Aimless, Chain, dead_fractions
from vgp_bench.architectures.stages import Architecture
from vgp_bench.components.activations import activation_modules, make_activation
from vgp_bench.monitor.cadence import Cadence
from vgp_bench.monitor.moments import moments
from vgp_bench.monitor.monitor import Monitor, Probe
from vgp_bench.monitor.norms import finite_norm
from vgp_bench.monitor.observation import Observation
from vgp_bench.records.rows import LayerRow

EVERY_STEP = Cadence(dense_steps=0, every=1, probe_every=1, probe_images=8)


def relu_layer(weight: Sequence[Sequence[float]], bias: Sequence[float]) -> nn.Sequential:
    linear = nn.Linear(len(weight[0]), len(weight))
    linear.weight.data = torch.tensor(weight, dtype=torch.float32)
    linear.bias.data = torch.tensor(bias, dtype=torch.float32)
    return nn.Sequential(linear, make_activation(nn.ReLU))


def observe(
    model: Architecture, images: Tensor, loss_of: Callable[[Tensor], Tensor], lr: float = 0.5
) -> list[LayerRow]:
    """Rows of one SGD step."""
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    observation = Monitor(model, EVERY_STEP, Probe(images, torch.empty(0), Aimless())).begin(0, 10)
    assert observation is not None
    loss_of(model(images)).backward()
    observation.after_backward({})
    optimizer.step()
    return observation.rows()


def test_a_net_known_by_hand() -> None:
    # x = (1, 2) and (3, -1); z = W x + b = (1, -2, 2), (3, 1, -1); h = (1, 0, 2), (3, 1, 0)
    first = relu_layer([[1, 0], [0, -1], [0, 1]], [0, 0, 0])
    second = nn.Linear(3, 1, bias=False)
    second.weight.data = torch.tensor([[1.0, 2.0, 2.0]])
    model = Chain(first, second)
    rows = observe(model, torch.tensor([[1.0, 2.0], [3.0, -1.0]]), lambda y: y.mean(), lr=0.5)
    hidden, output = rows

    # L = mean over the two samples: dL/dh = (1, 2, 2) / 2 for each
    assert hidden.activation_gradient_l2 == pytest.approx(math.sqrt(2 * 9 / 4))
    assert hidden.activation_gradient_rms == pytest.approx(math.sqrt(2 * 9 / 4 / 6))
    # dL/dW1 rows: unit 1 alive in both: .5*((1,2)+(3,-1)) = (2, .5); unit 2 in the second: 1*(3,-1); unit 3: 1*(1,2)
    assert hidden.weight_gradient_l2 == pytest.approx(math.sqrt(4 + 0.25 + 10 + 5))
    assert hidden.weight_gradient_rms == pytest.approx(math.sqrt(19.25 / 6))
    assert hidden.weight_l2 == pytest.approx(math.sqrt(3))
    assert hidden.update_ratio == pytest.approx(0.5 * math.sqrt(19.25) / math.sqrt(3))
    values = torch.tensor([1.0, 0, 2, 3, 1, 0])
    assert hidden.activation_mean == pytest.approx(values.mean().item())
    assert hidden.activation_std == pytest.approx(values.std(correction=0).item())
    assert hidden.zero_fraction == pytest.approx(2 / 6)
    assert hidden.saturated_fraction == pytest.approx(2 / 6)
    assert hidden.dead_fraction == 0  # each unit speaks for one of the two inputs
    assert (hidden.kind, hidden.depth, output.kind) == ("hidden", 1, "output")
    # the output stage: dL/dy = 1/2 for each sample, no activation inside
    assert output.activation_gradient_l2 == pytest.approx(math.sqrt(0.5))
    assert math.isnan(output.zero_fraction)
    assert math.isnan(output.dead_fraction)


def test_a_dead_unit_is_zero_on_the_whole_probe_set_and_a_silent_one_is_not() -> None:
    layer = relu_layer([[1, 0], [-1, 0], [0, 0], [0, 1]], [0, 0, -1, -10])
    model = Chain(layer, nn.Linear(4, 2))
    images = torch.tensor([[1.0, 5.0], [-1.0, 9.0]])  # units 1 and 2 speak once each, 3 and 4 never
    assert dead_fractions(model, model.stages(), images)[0] == pytest.approx(0.5)
    images = torch.tensor([[1.0, 5.0], [-1.0, 11.0]])  # now unit 4 speaks
    assert dead_fractions(model, model.stages(), images)[0] == pytest.approx(0.25)


def test_a_dead_channel_is_zero_at_all_positions() -> None:
    conv = nn.Conv2d(1, 3, 1)
    conv.weight.data = torch.tensor([1.0, -1.0, -1.0]).reshape(3, 1, 1, 1)
    conv.bias.data = torch.tensor([0.0, 0.0, 2.0])
    model = Chain(nn.Sequential(conv, make_activation(nn.ReLU)), nn.Flatten())
    image = torch.tensor([[1.0, 2.0], [3.0, 1.5]]).reshape(1, 1, 2, 2)  # channel 3 lives at one and a half positions
    assert dead_fractions(model, model.stages(), image)[0] == pytest.approx(1 / 3)


def test_dead_is_what_is_dead_in_the_mode_of_training() -> None:
    linear = nn.Linear(1, 2, bias=False)
    linear.weight.data = torch.tensor([[1.0], [-1.0]])
    model = Chain(nn.Sequential(linear, nn.BatchNorm1d(2), make_activation(nn.ReLU)))
    images = torch.tensor([[1.0], [3.0]])
    # By the batch both units are normalized to -1 and 1; by the running mean of 0 the second is negative throughout.
    observation = Monitor(model.train(), EVERY_STEP, Probe(images, torch.empty(0), Aimless())).begin(0, 10)
    assert observation is not None
    assert observation.dead_fractions == [0]
    assert model.layers[0].training
    assert dead_fractions(model.eval(), model.stages(), images) == [0.5]


def test_non_finite_values_are_counted_apart_and_norms_cover_the_finite_ones() -> None:
    model = Chain(nn.Linear(2, 2, bias=False), nn.Identity())
    model.layers[0].weight.data = torch.eye(2)
    images = torch.tensor([[1.0, math.inf], [math.nan, 3.0], [2.0, 4.0]])
    rows = observe(model, images, lambda y: (y * torch.tensor([1.0, math.inf])).sum())
    # inf * 0 is NaN: in the product with the unit matrix every value of the first two samples is lost
    assert rows[0].nonfinite_activations == 4
    assert rows[0].activation_mean == pytest.approx(3.0)
    assert rows[0].activation_std == pytest.approx(1.0)
    assert rows[0].nonfinite_activation_gradients == 3
    assert rows[0].activation_gradient_l2 == pytest.approx(math.sqrt(3))
    assert rows[0].nonfinite_weight_gradients == 4


@pytest.mark.parametrize("size", [1e-30, 1e-42, 1e30])
def test_norms_neither_underflow_nor_overflow(size: float) -> None:
    values = torch.full((100,), size)
    norm, nonfinite = finite_norm(values)
    assert float(norm) == pytest.approx(10 * values[0].item(), rel=1e-6, abs=0)  # else 1e-12 would do
    assert float(nonfinite) == 0


def test_a_deviation_far_smaller_than_the_mean_keeps_its_digits() -> None:
    # A normal distribution about 1, so narrow that mean of squares minus square of mean is noise in float32.
    values = 1 + 1e-4 * torch.randn(10_000)
    exact = values.double()
    mean, std, nonfinite = moments(values)
    assert float(mean) == pytest.approx(exact.mean().item(), rel=1e-7)
    assert float(std) == pytest.approx(exact.std(correction=0).item(), rel=1e-3)
    assert float(nonfinite) == 0


class Sum(nn.Module):
    """y = A x + B x, where B is 0 in the beginning, as the last layer of a branch may be."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
        nn.init.ones_(self.a.weight)
        nn.init.zeros_(self.b.weight)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.a(x) + self.b(x)
        return y


def test_a_weight_that_leaves_zero_by_less_than_float32_can_square_has_moved() -> None:
    (row,) = observe(Chain(Sum()), torch.ones(1, 2), lambda y: 1e-26 * y.sum(), lr=1.0)
    # dL/dB = 1e-26 in all four places; to A that is nothing, its ones stay as they are.
    assert row.weight_l2 == pytest.approx(2)
    assert row.update_ratio == pytest.approx(2e-26 / 2, rel=1e-5, abs=0)


def test_a_frozen_weight_is_no_part_of_the_figures() -> None:
    model = Chain(Sum(), nn.Linear(2, 2, bias=False))
    model.layers[0].b.weight.data.fill_(5.0)
    model.layers[0].b.weight.requires_grad_(False)
    model.layers[1].weight.requires_grad_(False)
    model.layers[1].weight.data = torch.eye(2)
    half, frozen = observe(model, torch.ones(1, 2), lambda y: 3 * y.sum(), lr=0.5)
    # dL/dA = 3 in all four places
    assert half.weight_l2 == pytest.approx(2)
    assert half.weight_gradient_l2 == pytest.approx(6)
    assert half.weight_gradient_rms == pytest.approx(3)
    assert half.update_ratio == pytest.approx(0.5 * 6 / 2)
    assert frozen.activation_gradient_l2 == pytest.approx(math.sqrt(18))
    for figure in (frozen.weight_l2, frozen.weight_gradient_l2, frozen.weight_gradient_rms, frozen.update_ratio):
        assert math.isnan(figure)


def fitting(architecture: str, normalizer: str) -> str:
    """Where batch normalization makes no sense (between tokens, inside a cell), layer normalization."""
    elsewhere = ("rnn", "irnn", "lstm", "gru", "transformer", "vit")
    return "layer" if normalizer == "batch" and architecture in elsewhere else normalizer


def twin_rows(
    model: Architecture, images: Tensor, labels: Tensor, optimizer: torch.optim.Optimizer
) -> list[dict[str, Any]]:
    """The same figures, the obvious way: keep every tensor, let autograd keep every gradient, compare afterwards."""
    outputs: dict[int, Tensor] = {}
    inside: dict[int, list[tuple[nn.Module, Tensor, Tensor]]] = {i: [] for i in range(len(model.stages()))}
    handles = []
    for index, stage in enumerate(model.stages()):

        def keep(m: nn.Module, i: Any, out: Tensor, index: int = index) -> None:
            out.retain_grad()
            outputs[index] = out

        handles.append(stage.module.register_forward_hook(keep))

        def note(m: nn.Module, i: Any, out: Tensor, index: int = index) -> None:
            inside[index].append((m, i[0].detach(), out.detach()))

        handles += [module.register_forward_hook(note) for module in activation_modules(stage.module)]
    F.cross_entropy(model(images), labels).backward()
    for handle in handles:
        handle.remove()
    before = {parameter: parameter.detach().clone() for parameter in model.parameters()}
    gradients = {p: torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in model.parameters()}
    optimizer.step()
    found = []
    for index, stage in enumerate(model.stages()):
        h, weights = outputs[index], stage.weights()
        assert h.grad is not None

        def join(tensors: list[Tensor]) -> Tensor:
            return torch.cat([tensor.double().flatten() for tensor in tensors])

        W, gradient = join([before[w] for w in weights]), join([gradients[w] for w in weights])
        move = join([w.detach() - before[w] for w in weights])
        figures = {
            "activation_gradient_l2": h.grad.double().norm().item(),
            "activation_gradient_rms": h.grad.double().square().mean().sqrt().item(),
            "weight_gradient_l2": gradient.norm().item(),
            "weight_gradient_rms": gradient.square().mean().sqrt().item(),
            "weight_l2": W.norm().item(),
            "update_ratio": (move.norm() / W.norm()).item(),
            "activation_mean": h.detach().double().mean().item(),
            "activation_std": h.detach().double().std(correction=0).item(),
        }
        if inside[index]:
            total = sum(z.numel() for _, z, _ in inside[index])
            figures["zero_fraction"] = sum(int((out == 0).sum()) for _, _, out in inside[index]) / total
            figures["saturated_fraction"] = sum(saturated(m, z) for m, z, _ in inside[index]) / total
        found.append(figures)
    return found


def saturated(module: nn.Module, z: Tensor) -> int:
    """Units whose derivative is below 5 % of the largest one, both by autograd."""

    def slope(points: Tensor) -> Tensor:
        points = points.detach().clone().double().requires_grad_()
        (gradient,) = torch.autograd.grad(copy.deepcopy(module).double()(points).sum(), points)
        return gradient.abs()

    return int((slope(z) < 0.05 * slope(torch.linspace(-30, 30, 60_001)).max()).sum())


@pytest.mark.parametrize("architecture", names_on_disk("architecture"))
@pytest.mark.parametrize(("activation", "normalizer"), [("relu", "none"), ("tanh", "batch"), ("gelu", "layer")])
def test_every_statistic_has_an_autograd_twin(architecture: str, activation: str, normalizer: str) -> None:
    words = [
        f"architecture={architecture}",
        f"activation={activation}",
        f"normalizer={fitting(architecture, normalizer)}",
    ]
    loop = small_build(compose(*words, "optimizer=sgd", "optimizer.lr=0.1", "trainer.max_steps=1"))
    inputs, targets = next(iter(loop.batches.epoch(0)))
    twin_model = copy.deepcopy(loop.model).train()
    with torch.random.fork_rng():  # dropout draws the same numbers in both
        optimizer = torch.optim.SGD(twin_model.parameters(), lr=0.1, momentum=0.9)
        twin = twin_rows(twin_model, inputs, targets, optimizer)

    found: list[Any] = []
    loop.sink = found.append
    loop.train()  # the very path of a run
    rows = [row for row in found if isinstance(row, LayerRow)]
    assert len(rows) == len(twin)
    for row, expected in zip(rows, twin, strict=True):
        for name, value in expected.items():
            tolerance = 2e-4 if name in ("update_ratio", "saturated_fraction") else 1e-5
            assert getattr(row, name) == pytest.approx(value, rel=tolerance, abs=1e-7), (row.name, name)


@pytest.mark.parametrize("architecture", names_on_disk("architecture"))
def test_measuring_leaves_the_training_unchanged_to_the_bit(architecture: str) -> None:
    def trained(monitor: str) -> tuple[dict[str, Tensor], Tensor]:
        words = [f"architecture={architecture}", f"normalizer={fitting(architecture, 'batch')}", f"monitor={monitor}"]
        loop = small_build(compose(*words, "trainer.max_steps=5", "optimizer.lr=0.001"))
        loop.train()
        return loop.model.state_dict(), torch.get_rng_state()

    bare, bare_rng = trained("off")
    measured, measured_rng = trained("every_step")
    assert bare.keys() == measured.keys()
    for name, value in bare.items():
        assert torch.equal(value, measured[name]), name
    assert torch.equal(bare_rng, measured_rng)


def hooks(model: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._backward_hooks) for m in model.modules())


def test_unlogged_steps_run_without_a_hook_and_off_is_off() -> None:
    loop = small_build(compose("monitor.dense_steps=1", "monitor.every=3", "trainer.max_steps=7"))
    begin, seen = loop.monitor.begin, {}

    def spy(step: int, last_step: int) -> Observation | None:
        observation = begin(step, last_step)
        seen[step] = hooks(loop.model)
        return observation

    loop.monitor.begin = spy  # type: ignore[method-assign]
    loop.train()
    assert {step for step, count in seen.items() if count} == {0, 3, 6}
    assert hooks(loop.model) == 0

    off = small_build(compose("monitor=off", "trainer.max_steps=3"))
    rows: list[Any] = []
    off.sink = rows.append
    off.train()
    assert not any(isinstance(row, LayerRow) for row in rows)
    assert off.monitor.stages == []


def test_the_probe_puts_running_statistics_and_random_state_back() -> None:
    loop = small_build(compose("architecture=plain_cnn", "normalizer=batch", "architecture.depth=8"))
    before = {name: buffer.clone() for name, buffer in loop.model.named_buffers()}
    state = torch.get_rng_state()
    assert loop.monitor.probe is not None
    dead_fractions(loop.model, loop.model.stages(), loop.monitor.probe.inputs)
    assert all(torch.equal(before[name], buffer) for name, buffer in loop.model.named_buffers())
    assert torch.equal(state, torch.get_rng_state())


def test_gradients_are_seen_before_clipping() -> None:
    def gradients(*words: str) -> list[float]:
        rows: list[Any] = []
        loop = small_build(compose("monitor=every_step", "trainer.max_steps=1", *words))
        loop.sink = rows.append
        loop.train()
        return [row.weight_gradient_l2 for row in rows if isinstance(row, LayerRow)]

    assert gradients("trainer.clip_norm=1e-4") == gradients()


@pytest.mark.parametrize(
    ("cadence", "logged", "probed"),
    [
        (Cadence(3, 5, 7), [0, 1, 2, 5, 7, 10, 11], [0, 7, 11]),
        (Cadence(0, None, None), [], []),
        (Cadence(2, None, None), [0, 1, 11], []),
        (Cadence(0, 6, None), [0, 6, 11], []),
    ],
)
def test_when_it_measures(cadence: Cadence, logged: list[int], probed: list[int]) -> None:
    assert [step for step in range(12) if cadence.logs(step, 11)] == logged
    assert [step for step in range(12) if cadence.probes(step, 11)] == probed


def test_every_column_of_a_row_is_filled_by_some_stage() -> None:
    rows: list[Any] = []
    loop = small_build(compose("architecture=resnet", "normalizer=batch", "trainer.max_steps=1"))
    loop.sink = rows.append
    loop.train()
    layers = [dataclasses.asdict(row) for row in rows if isinstance(row, LayerRow)]
    for name in layers[0]:
        assert any(row[name] == row[name] for row in layers), f"{name} is NaN everywhere"
