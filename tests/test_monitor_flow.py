"""The flow of the signal, sample by sample: against an obvious slow twin, closed forms, and truths of invariance."""

import copy
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.composing import compose, small_build
from tests.probing import Aimless, Chain
from vgp_bench.architectures.stages import Architecture, Stage
from vgp_bench.components.activations import activation_modules, make_activation
from vgp_bench.components.gates import GateLinear
from vgp_bench.data.objectives import Classification, Objective, Regression
from vgp_bench.monitor.flow import SAMPLES, flow_rows
from vgp_bench.monitor.probing import Probe
from vgp_bench.records.rows import LayerRow, ProbeRow
from vgp_bench.theory.mean_field import ACTIVATIONS, chi_1
from vgp_bench.training.loop import Loop


class Sum(Objective):
    """The mean over the samples of the sum of outputs, times a scale."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self.scale * outputs.sum() / len(outputs)

    def correct(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return torch.zeros(())


def rows_of(model: Architecture, inputs: Tensor, objective: Objective | None = None) -> list[ProbeRow]:
    return flow_rows(model, model.stages(), Probe(inputs, torch.zeros(len(inputs)), objective or Sum()), 0)


def linear(weight: Sequence[Sequence[float]], bias: Sequence[float] | None = None) -> nn.Linear:
    layer = nn.Linear(len(weight[0]), len(weight), bias=bias is not None)
    layer.weight.data = torch.tensor(weight)
    if bias is not None:
        layer.bias.data = torch.tensor(bias)
    return layer


FIGURES = [name for name in ProbeRow.__slots__ if name not in ("step", "stage", "name", "kind", "depth")]


def figures(row: ProbeRow) -> dict[str, float]:
    return {name: getattr(row, name) for name in FIGURES}


def measured(rows: Sequence[ProbeRow], *columns: str) -> list[float]:
    return [getattr(row, column) for row in rows for column in columns]


def test_a_net_known_by_hand() -> None:
    # x = (1, 2), (3, -1); z = (1, -2, 2), (3, 1, -1); h = (1, 0, 2), (3, 1, 0); y = h . (1, 2, 2) = 5, 5
    first = nn.Sequential(linear([[1.0, 0.0], [0.0, -1.0], [0.0, 1.0]]), make_activation(nn.ReLU))
    model = Chain(first, linear([[1.0, 2.0, 2.0]]))
    hidden, output = rows_of(model, torch.tensor([[1.0, 2.0], [3.0, -1.0]]))
    # L_i = y_i: dL_i/dh = (1, 2, 2), its norm 3; ||h|| = sqrt 5, sqrt 10
    assert hidden.sample_gradient == pytest.approx(3)
    assert hidden.sensitivity == pytest.approx(3 * (math.sqrt(5) + math.sqrt(10)) / 2)
    # the mean h is (2, .5, 1): the variances 1, .25, 1; the mean of ||h||^2 7.5
    assert hidden.input_share == pytest.approx(2.25 / 7.5)
    # means over units 1 and 4/3: 0 + 1 + 1, and 25/9 + 1/9 + 16/9; the squares are 5 and 10
    assert hidden.unit_spread == pytest.approx(math.sqrt((2 + 42 / 9) / 15))
    # the mean row is (1/3, 0): 4/9, 1/9 + 1, 1/9 + 1
    assert hidden.weight_spread == pytest.approx(math.sqrt((6 / 9 + 2) / 3))
    # dL/dW rows, means over the samples: (1, 2) + (3, -1) over 2; 2 (3, -1) / 2; 2 (1, 2) / 2
    assert hidden.weight_gradient_mean == pytest.approx((2 + 0.5 + 3 + 1 + 1 + 2) / 6)
    assert hidden.zero_gradient_fraction == 0
    assert (hidden.slope_mean, hidden.nonpositive_fraction) == pytest.approx((4 / 6, 2 / 6))
    assert math.isnan(hidden.saturated_units)  # what is flat on one side is silent, not saturated
    assert math.isnan(hidden.boundary_mean)
    assert (hidden.rare_units, hidden.faint_units) == (0, 0)
    # the output: y = 5 for both; one unit and one row have nothing to differ from
    assert (output.sensitivity, output.sample_gradient) == pytest.approx((5, 1))
    assert output.input_share == pytest.approx(0, abs=1e-14)
    assert output.weight_gradient_mean == pytest.approx((2 + 0.5 + 1) / 3)
    names = ("unit_spread", "weight_spread", "slope_mean", "saturated_units", "rare_units", "nonpositive_fraction")
    assert all(math.isnan(getattr(output, name)) for name in names)
    assert (hidden.step, hidden.stage, hidden.name, hidden.kind, hidden.depth) == (0, 0, "0", "hidden", 1)


# --- the twin ---


def twin_rows(model: Architecture, probe: Probe) -> list[dict[str, float]]:
    """The same figures in float64: one sample after another, every tensor kept, a plain loop for every unit."""
    zeros = zero_fractions(model, probe)
    twin = copy.deepcopy(model).double()
    n = len(probe.inputs)
    stages = twin.stages()
    runs: list[list[list[Tensor]]] = [[] for _ in stages]  # stage, sample, run
    used: list[dict[nn.Module, list[tuple[Tensor, Tensor]]]] = [{} for _ in stages]
    total = [[torch.zeros_like(weight) for weight in stage.weights()] for stage in stages]
    for i in range(n):
        handles = []
        for index, stage in enumerate(stages):
            runs[index].append([])

            def keep(m: nn.Module, inputs: Any, out: Tensor, index: int = index) -> None:
                out.retain_grad()
                runs[index][-1].append(out)

            def note(m: nn.Module, inputs: Any, out: Tensor, index: int = index) -> None:
                used[index].setdefault(m, []).append((inputs[0].detach(), out.detach()))

            handles.append(stage.module.register_forward_hook(keep))
            handles += [module.register_forward_hook(note) for module in activation_modules(stage.module)]
        twin.zero_grad()
        targets = probe.targets[i : i + 1]
        targets = targets.double() if targets.is_floating_point() else targets
        probe.objective.loss(twin(probe.inputs[i : i + 1].double()), targets).backward()
        for sums, stage in zip(total, stages, strict=True):
            for whole, weight in zip(sums, stage.weights(), strict=True):
                if weight.grad is not None:
                    whole += weight.grad / n
        for handle in handles:
            handle.remove()
    found = []
    for index, stage in enumerate(stages):
        grads = [[h.grad for h in sample if h.grad is not None] for sample in runs[index]]
        values = torch.cat([torch.cat([h.detach() for h in sample]).flatten()[None] for sample in runs[index]])
        gradient = torch.cat([whole.flatten() for whole in total[index]])
        gates = {m.weight: m.gates for m in stage.module.modules() if isinstance(m, GateLinear)}
        figures = {
            "sensitivity": sum(
                float(h.detach().norm() * g.norm())
                for sample, of in zip(runs[index], grads, strict=True)
                for h, g in zip(sample, of, strict=True)
            )
            / n,
            "sample_gradient": sum(float(g.norm()) for of in grads for g in of) / n,
            "input_share": float(values.var(0, correction=0).sum() / values.square().sum(1).mean()),
            "unit_spread": spread_of_columns(torch.cat([units_last(h.detach()) for s in runs[index] for h in s])),
            "weight_spread": min(
                (
                    spread_of_columns(torch.cat([part.flatten(1).t() for part in w.detach().chunk(gates.get(w, 1))]))
                    for w in stage.weights()
                    if len(w) > 1
                ),
                default=math.nan,
            ),
            "weight_gradient_mean": float(gradient.abs().mean()),
            "zero_gradient_fraction": zeros[index],
        }
        if used[index]:
            figures |= unit_figures(used[index])
        found.append(figures)
    return found


def zero_fractions(model: Architecture, probe: Probe) -> list[float]:
    """Of the weight gradients of the whole batch, in float32: in float64 fewer are 0."""
    plain = copy.deepcopy(model)
    probe.objective.loss(plain(probe.inputs), probe.targets).backward()
    gradients = [[w.grad.flatten() for w in s.weights() if w.grad is not None] for s in plain.stages()]
    return [float((torch.cat(of_stage) == 0).double().mean()) for of_stage in gradients]


def units_last(values: Tensor) -> Tensor:
    """(inputs, units): channels of images are units at every position, features of sequences at every time step."""
    return (values.permute(0, 2, 3, 1) if values.ndim == 4 else values).reshape(
        -1, values.shape[-1 if values.ndim < 4 else 1]
    )


def spread_of_columns(values: Tensor) -> float:
    if values.shape[1] == 1:
        return math.nan
    off = sum(float((row - row.mean()).square().sum()) for row in values)
    return math.sqrt(off / float(values.square().sum()))


def unit_figures(used: dict[nn.Module, list[tuple[Tensor, Tensor]]]) -> dict[str, float]:
    """The columns that speak of activations, unit by unit."""
    slopes, outputs, inputs = [], [], []
    flat, rare, faint = [], [], []
    for module, runs in used.items():
        z = torch.cat([units_last(z) for z, _ in runs])
        out = copy.deepcopy(module).float().forward(z.float())  # gelu(-8) is 0 in float32, not in float64
        slope = by_autograd(module, z) / by_autograd(module, torch.linspace(-12, 12, 240_001).double()).max()
        slopes.append(slope.flatten())
        outputs.append(out.flatten())
        inputs.append(z.flatten())
        for unit in range(z.shape[1]):
            if isinstance(module, nn.Sigmoid | nn.Tanh):
                flat.append(float((slope[:, unit] < 0.05).double().mean()) > 0.9)
            rare.append(float((out[:, unit] != 0).double().mean()) < 0.01)
            faint.append(float((out[:, unit].abs() < 1e-5).double().mean()) >= 0.95)
    z, out = torch.cat(inputs), torch.cat(outputs)
    found = {
        "slope_mean": float(torch.cat(slopes).mean()),
        "nonpositive_fraction": float((out <= 0).double().mean()),
        "large_input_fraction": float((z.abs() >= 5).double().mean()),
        "extreme_input_fraction": float((z.abs() >= 9.5).double().mean()),
        "rare_units": sum(rare) / len(rare),
        "faint_units": sum(faint) / len(faint),
    }
    (kind,) = {type(module) for module in used}
    if kind is nn.Sigmoid:
        found["boundary_mean"] = float((out - 0.5).abs().mean() / 0.5)
    if kind is nn.Tanh:
        found["boundary_mean"] = float(out.abs().mean())
    return found | ({"saturated_units": sum(flat) / len(flat)} if flat else {})


def by_autograd(module: nn.Module, points: Tensor) -> Tensor:
    points = points.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(module.forward(points).sum(), points)
    return gradient.abs()


TWINS = [
    ["architecture=mlp", "activation=sigmoid"],
    ["architecture=mlp", "activation=prelu"],
    ["architecture=mlp", "activation=tanh", "initializer=normal_01"],
    ["architecture=residual_mlp", "activation=gelu", "normalizer=layer"],
    ["architecture=plain_cnn", "activation=tanh"],
    ["architecture=resnet", "activation=relu", "normalizer=none"],
    ["architecture=highway_mlp", "activation=relu"],
    ["architecture=rnn", "activation=sigmoid"],  # has no fused kernel: its activation runs once a time step
    ["architecture=lstm", "architecture.layers=2", "architecture.bidirectional=true"],
    ["architecture=gru", "architecture.candidate=activation", "activation=relu"],
    ["architecture=lstm", "dataset=copy_memory", "dataset.delay=5"],  # an answer at every step
    ["architecture=lstm", "dataset=adding", "dataset.length=12", "trainer.batch_size=16"],  # a regression
    ["architecture=transformer", "activation=gelu", "architecture.dropout=0"],
    ["architecture=vit", "activation=relu", "architecture.dropout=0"],
]


@pytest.mark.parametrize("words", TWINS, ids=" ".join)
def test_every_column_has_an_autograd_twin(words: list[str]) -> None:
    loop = small_build(compose(*words, "monitor.probe_images=11", "trainer.max_steps=1"))
    model, probe = loop.model.train(), loop.monitor.probe
    assert isinstance(model, Architecture)
    assert probe is not None
    expected = twin_rows(model, probe)
    rows = flow_rows(model, model.stages(), probe, 7)
    assert len(rows) == len(expected)
    for row, expected_row in zip(rows, expected, strict=True):
        assert row.step == 7
        for name, value in expected_row.items():
            known = pytest.approx(value, rel=3e-4, abs=1e-12, nan_ok=True)
            assert getattr(row, name) == known, (row.name, name)
        assert all(math.isnan(getattr(row, name)) for name in set(FIGURES) - set(expected_row)), row.name


# --- closed forms ---


def deep_net(activation: type[nn.Module], variance: float, depth: int, width: int) -> Chain:
    torch.manual_seed(3)
    layers = []
    for _ in range(depth):
        layer = nn.Linear(width, width, bias=False)
        nn.init.normal_(layer.weight, std=math.sqrt(variance / width))
        layers.append(nn.Sequential(layer, make_activation(activation)))
    return Chain(*layers, nn.Linear(width, 10))


def decades_a_layer(rows: Sequence[ProbeRow]) -> float:
    """Slope of log10 S_l from the middle of the network, where it has forgotten its inputs, to the last but one."""
    kept = [math.log10(row.sensitivity) for row in rows[3:-2]]
    return (kept[-1] - kept[0]) / (len(kept) - 1)


@pytest.mark.parametrize(("name", "module"), [("sigmoid", nn.Sigmoid), ("tanh", nn.Tanh)])
@pytest.mark.parametrize("variance", [1.0, 1.5])
def test_it_decays_as_mean_field_theory_says(name: str, module: type[nn.Module], variance: float) -> None:
    # ||dL/dh|| falls by sqrt(chi_1) a layer (Schoenholz et al. 2017); at the fixed point ||h|| is the same everywhere.
    if name == "tanh" and variance == 1.0:
        pytest.skip("tanh at the edge of chaos comes to its fixed point only like 1/depth")
    rows = rows_of(deep_net(module, variance, 15, 1024), torch.randn(16, 1024))
    assert decades_a_layer(rows) == pytest.approx(-math.log10(chi_1(ACTIVATIONS[name], variance)) / 2, abs=0.02)


def test_a_relu_net_as_he_initialized_it_is_level() -> None:
    rows = rows_of(deep_net(nn.ReLU, 2.0, 15, 1024), torch.randn(16, 1024))
    assert decades_a_layer(rows) == pytest.approx(0, abs=0.02)


def test_a_signal_that_fades_upwards_as_its_gradient_fades_downwards_is_level() -> None:
    # h_l = .5^l x, dL/dh_l = .5^(4 - l): what is lost on the way up is not lost a second time.
    model = Chain(*(linear([[0.5, 0.0], [0.0, 0.5]]) for _ in range(4)))
    assert measured(rows_of(model, torch.tensor([[3.0, 4.0]])), "sensitivity") == pytest.approx(
        [5 * math.sqrt(2) / 16] * 4
    )


# --- truths of invariance ---


def relu_net(seed: int = 0) -> Chain:
    torch.manual_seed(seed)
    hidden = [nn.Sequential(nn.Linear(6 if i == 0 else 8, 8, bias=False), make_activation(nn.ReLU)) for i in range(4)]
    return Chain(*hidden, nn.Linear(8, 3, bias=False))


SCALE_FREE = ("sensitivity", "input_share", "unit_spread", "weight_spread", "slope_mean")


@pytest.mark.parametrize("scale", [1e-6, 1e6, 1e-38])
def test_the_scale_of_the_loss_is_a_factor_and_nothing_else(scale: float) -> None:
    model, inputs = relu_net(), torch.randn(20, 6)
    plain, scaled = rows_of(model, inputs), rows_of(model, inputs, Sum(scale))
    for before, after in zip(plain, scaled, strict=True):
        for name, value in figures(before).items():
            factor = scale if name in ("sensitivity", "sample_gradient", "weight_gradient_mean") else 1
            # at 1e-38 gradients are denormal numbers, of four digits
            tolerance = 1e-2 if scale < 1e-30 else 1e-5
            assert getattr(after, name) == pytest.approx(value * factor, rel=tolerance, abs=0, nan_ok=True), name


@pytest.mark.parametrize("a", [1e-3, 1e8])
def test_rescaling_the_layers_of_a_relu_net_leaves_it_as_it_is(a: float) -> None:
    model, inputs = relu_net(), torch.randn(20, 6)
    plain = rows_of(model, inputs)
    with torch.no_grad():
        model.layers[1][0].weight *= a
        model.layers[2][0].weight /= a
    rescaled = rows_of(model, inputs)
    assert measured(rescaled, *SCALE_FREE) == pytest.approx(measured(plain, *SCALE_FREE), rel=1e-4, nan_ok=True)
    assert rescaled[1].sample_gradient == pytest.approx(plain[1].sample_gradient / a, rel=1e-4)


def test_neither_the_order_of_units_nor_a_batch_given_twice_matters() -> None:
    model, inputs = relu_net(), torch.randn(20, 6)
    plain = [figures(row) for row in rows_of(model, inputs)]
    twice = [figures(row) for row in rows_of(model, inputs.repeat(2, 1))]
    order = torch.randperm(8)
    with torch.no_grad():
        model.layers[1][0].weight.copy_(model.layers[1][0].weight[order])
        model.layers[2][0].weight.copy_(model.layers[2][0].weight[:, order])
    permuted = [figures(row) for row in rows_of(model, inputs)]
    for before, *others in zip(plain, twice, permuted, strict=True):
        for other in others:
            assert other == pytest.approx(before, rel=1e-5, abs=1e-13, nan_ok=True)


def test_a_wider_net_has_the_same_sensitivity() -> None:
    # ||h|| ||dL/dh|| of a net and of the same one with every unit there twice, at half the weight onwards
    narrow, inputs = relu_net(), torch.randn(20, 6)
    wide = copy.deepcopy(narrow)
    for i in range(4):
        weight = narrow.layers[i][0].weight.data
        wide.layers[i][0].weight.data = torch.cat([weight, weight]) if i == 0 else weight.repeat(2, 2) / 2
    wide.layers[4].weight.data = narrow.layers[4].weight.data.repeat(1, 2) / 2
    assert measured(rows_of(wide, inputs), "sensitivity") == pytest.approx(
        measured(rows_of(narrow, inputs), "sensitivity"), rel=1e-4
    )


# --- corners ---


def test_only_the_first_samples_are_looked_at() -> None:
    model, inputs = relu_net(), torch.randn(SAMPLES + 40, 6)
    whole, first, last = (rows_of(model, part)[0].input_share for part in (inputs, inputs[:SAMPLES], inputs[-SAMPLES:]))
    assert whole == first != last


def test_inputs_that_all_look_the_same_have_no_share_and_units_that_do_the_same_no_spread() -> None:
    model = Chain(nn.Linear(6, 8), nn.Linear(8, 8), linear([[0.7] * 8] * 5, [0.1] * 5))
    model.layers[0].weight.data.zero_()
    rows = rows_of(model, torch.randn(32, 6))
    assert all(row.input_share < 1e-13 for row in rows)
    assert rows[0].weight_spread == 0
    assert rows[1].unit_spread > 0.1 < rows[1].weight_spread
    assert (rows[2].unit_spread, rows[2].weight_spread) == pytest.approx((0, 0), abs=1e-6)


def test_a_share_of_1e_minus_8_is_seen_in_float32() -> None:
    # h = 1 +- 1e-4: tr Cov / E||h||^2 = 1e-8
    model = Chain(linear([[1.0, 0.0], [0.0, 1.0]]))
    signs = torch.tensor([[1.0], [-1.0]]).repeat(16, 2)
    (row,) = rows_of(model, 1 + 1e-4 * signs)
    assert row.input_share == pytest.approx(1e-8, rel=1e-2)


@pytest.mark.parametrize("size", [1e-30, 1e-40, 1e25])
def test_signals_of_any_size_have_the_same_shares(size: float) -> None:
    torch.manual_seed(1)
    values = torch.randn(32, 4)
    (plain,), (scaled,) = (rows_of(Chain(nn.Identity()), values * factor) for factor in (1, size))
    assert scaled.input_share == pytest.approx(plain.input_share, rel=1e-3)
    assert scaled.unit_spread == pytest.approx(plain.unit_spread, rel=1e-3)
    assert scaled.sensitivity == pytest.approx(size * plain.sensitivity, rel=1e-3, abs=0)


def test_nothing_is_0_and_what_is_not_finite_is_nan() -> None:
    silent = Chain(nn.Sequential(linear([[0.0], [0.0]]), make_activation(nn.ReLU)), linear([[1.0, 1.0]]))
    row = rows_of(silent, torch.randn(8, 1))[0]
    assert (row.sensitivity, row.input_share, row.unit_spread, row.weight_spread) == (0, 0, 0, 0)
    assert (row.sample_gradient, row.rare_units, row.zero_gradient_fraction) == (pytest.approx(math.sqrt(2)), 1, 1)
    for bad in (math.nan, math.inf):
        row = rows_of(Chain(nn.Identity()), torch.tensor([[1.0, bad], [1.0, 2.0]]))[0]
        assert all(math.isnan(value) for value in (row.input_share, row.unit_spread))
        assert not math.isfinite(row.sensitivity)
        assert row.sample_gradient == pytest.approx(math.sqrt(2))


def test_a_single_sample_has_nothing_to_differ_from() -> None:
    assert math.isnan(rows_of(relu_net(), torch.randn(1, 6))[0].input_share)


def test_frozen_weights_hide_no_signal() -> None:
    model, inputs = relu_net(), torch.randn(20, 6)
    plain = rows_of(model, inputs)
    for depth, layer in enumerate(model.layers):
        layer.requires_grad_(depth > 2)
    frozen = rows_of(model, inputs)
    columns = [name for name in FIGURES if name not in ("weight_gradient_mean", "zero_gradient_fraction")]
    assert measured(frozen, *columns) == pytest.approx(measured(plain, *columns), nan_ok=True)
    assert [math.isnan(row.weight_gradient_mean) for row in frozen] == [True] * 3 + [False] * 2
    model.requires_grad_(False)
    assert measured(rows_of(model, inputs), *columns) == pytest.approx(measured(plain, *columns), nan_ok=True)


def test_a_stage_without_weights_and_one_that_no_one_runs() -> None:
    class Unused(Chain):
        def forward(self, inputs: Tensor) -> Tensor:
            outputs: Tensor = self.layers[0](inputs)
            return outputs

    used, unused = rows_of(Unused(nn.Flatten(), nn.Sequential(nn.Linear(2, 2), nn.ReLU())), torch.ones(3, 2))
    assert math.isnan(used.weight_spread)
    assert math.isnan(used.weight_gradient_mean)
    assert used.sensitivity == pytest.approx(2)
    nans = {name for name, value in figures(unused).items() if math.isnan(value)}
    assert nans == set(FIGURES) - {"weight_spread"}


def test_a_stage_that_runs_twice_passes_the_signal_on_in_both_runs() -> None:
    class Twice(Chain):
        def forward(self, inputs: Tensor) -> Tensor:
            outputs: Tensor = self.layers(self.layers(inputs))
            return outputs

    # h = 2x and 4x, x = 3; dL/dh = 2 and 1
    (row,) = rows_of(Twice(linear([[2.0]])), torch.full((4, 1), 3.0))
    assert (row.sensitivity, row.sample_gradient) == pytest.approx((6 * 2 + 12, 3))


def test_values_that_are_overwritten_later_are_seen_as_they_came() -> None:
    class Overwrites(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.activation = nn.Identity(), make_activation(nn.ReLU)

        def forward(self, x: Tensor) -> Tensor:
            outputs: Tensor = self.activation(self.inner(x)) * 1
            return outputs.mul_(0.0)

    class First(Chain):
        def stages(self) -> list[Stage]:
            return [Stage("inner", self.layers[0].inner, 1), *super().stages()]

    model = First(Overwrites(), nn.Identity())
    inputs = torch.tensor([[1.0, 2.0], [2.0, 5.0]])
    kept = inputs.clone()
    inner, whole, _ = rows_of(model, inputs)
    assert inner.input_share == pytest.approx((0.25 + 2.25) / 17)
    assert whole.nonpositive_fraction == 0
    assert torch.equal(inputs, kept)


def test_a_network_that_writes_into_its_inputs_does_not_write_into_the_probe_set() -> None:
    class Shifts(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.add_(1.0)

    inputs = torch.zeros(2, 2)
    rows_of(Chain(Shifts()), inputs)
    assert inputs.tolist() == [[0, 0], [0, 0]]


def test_gates_are_compared_each_with_itself() -> None:
    # Two gates of two equal rows each, the gates unlike: all units of a gate do the same.
    maps = GateLinear(2, 2, 2)
    maps.weight.data = torch.tensor([[1.0, 2.0], [1.0, 2.0], [5.0, 1.0], [5.0, 1.0]])
    (row,) = rows_of(Chain(maps), torch.randn(5, 2))
    assert row.weight_spread == 0
    assert row.unit_spread > 0.1
    (row,) = rows_of(Chain(linear(maps.weight.tolist())), torch.randn(5, 2))
    # the mean row is (3, 1.5): (4 + .25) four times, over 5 + 5 + 26 + 26
    assert row.weight_spread == pytest.approx(math.sqrt(17 / 62))


def test_a_network_in_half_precision_is_measured() -> None:
    model, inputs = relu_net(), torch.randn(20, 6)
    plain = rows_of(model, inputs)
    half = rows_of(model.bfloat16(), inputs.bfloat16())
    assert measured(half, *SCALE_FREE[:3]) == pytest.approx(measured(plain, *SCALE_FREE[:3]), rel=0.03)


# --- in a run ---


PROBED = [
    ["architecture=mlp"],
    ["architecture=resnet", "normalizer=batch"],
    ["architecture=transformer", "architecture.dropout=0.3"],
    ["architecture=lstm", "architecture.layers=2", "architecture.dropout=0.5"],
    ["architecture=rnn", "activation=sigmoid"],
    ["architecture=rnn", "activation=tanh"],  # fused but on the probe set
]


@pytest.mark.parametrize("words", PROBED, ids=" ".join)
def test_a_look_leaves_no_trace(words: list[str]) -> None:
    loop = small_build(compose(*words, "trainer.max_steps=1"))
    model, probe = loop.model.train(), loop.monitor.probe
    assert isinstance(model, Architecture)
    assert probe is not None
    loop.step.forward_backward(*next(iter(loop.batches.epoch(0))))
    before = copy.deepcopy(model.state_dict())
    gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    needs, inputs, state = [p.requires_grad for p in model.parameters()], probe.inputs.clone(), torch.get_rng_state()
    first = flow_rows(model, model.stages(), probe, 0)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert gradients
    assert all(torch.equal(p.grad, gradients[name]) for name, p in model.named_parameters() if p.grad is not None)
    assert [p.requires_grad for p in model.parameters()] == needs
    assert torch.equal(probe.inputs, inputs)
    assert not probe.inputs.requires_grad
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(m._forward_hooks or m._backward_hooks for m in model.modules())
    assert model.training
    for one, again in zip(first, flow_rows(model, model.stages(), probe, 0), strict=True):
        assert figures(one) == pytest.approx(figures(again), rel=0, abs=0, nan_ok=True)  # the same dropout too


def test_it_says_the_same_without_gradients_being_on() -> None:
    model, inputs = relu_net(), torch.randn(20, 6)
    with torch.no_grad():
        assert measured(rows_of(model, inputs), "sensitivity") == measured(rows_of(model, inputs), "sensitivity")


def trained(words: Sequence[str]) -> tuple[Loop, list[Any]]:
    loop = small_build(compose(*words, "optimizer.lr=0.001"))
    found: list[Any] = []
    loop.sink = found.append
    loop.train()
    return loop, found


@pytest.mark.parametrize("words", PROBED, ids=" ".join)
def test_training_is_the_same_to_the_bit(words: list[str]) -> None:
    bare, _ = trained([*words, "trainer.max_steps=4", "monitor=off"])
    state = torch.get_rng_state()
    measured, found = trained([*words, "trainer.max_steps=4", "monitor=every_step", "monitor.probe_every=1"])
    assert torch.equal(state, torch.get_rng_state())
    assert {row.step for row in found if isinstance(row, ProbeRow)} == {0, 1, 2, 3}
    for name, value in bare.model.state_dict().items():
        assert torch.equal(value, measured.model.state_dict()[name]), name


def test_rows_come_at_probed_steps_one_a_stage_beside_those_of_the_layers() -> None:
    _, found = trained(["trainer.max_steps=7", "monitor.probe_every=4"])
    rows = [row for row in found if isinstance(row, ProbeRow)]
    layers = [row for row in found if isinstance(row, LayerRow) and row.step in (0, 4, 6)]
    where = [(row.step, row.stage, row.name, row.kind, row.depth) for row in rows]
    assert where == [(row.step, row.stage, row.name, row.kind, row.depth) for row in layers]
    assert {step for step, *_ in where} == {0, 4, 6}


@pytest.mark.parametrize("word", ["monitor=off", "monitor.probe_every=null"])
def test_without_a_probe_there_are_none(word: str) -> None:
    _, found = trained(["trainer.max_steps=2", word])
    assert found
    assert not any(isinstance(row, ProbeRow) for row in found)


def test_a_failing_pass_leaves_no_hook_behind() -> None:
    model = relu_net()
    with pytest.raises(RuntimeError):
        rows_of(model, torch.randn(3, 5))
    assert not any(m._forward_hooks for m in model.modules())


def test_the_loss_is_that_of_the_objective() -> None:
    # L_i = (y_i - t_i)^2, y = 2x: dL_i/dy_i = 2 (y_i - t_i) = 2, -10
    model = Chain(linear([[2.0]]))
    probe = Probe(torch.tensor([[1.0], [2.0]]), torch.tensor([1.0, 9.0]), Regression())
    (row,) = flow_rows(model, model.stages(), probe, 0)
    assert (row.sample_gradient, row.sensitivity) == pytest.approx((6, (2 * 2 + 4 * 10) / 2))
    probe = replace(probe, targets=torch.tensor([0, 0]), objective=Classification())
    assert flow_rows(model, model.stages(), probe, 0)[0].sample_gradient == 0  # one class: nothing to learn
    assert rows_of(model, probe.inputs, Aimless())[0].sample_gradient == pytest.approx((4 + 8) / 2)
