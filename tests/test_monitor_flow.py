"""The flow of the signal, sample by sample: a net known by hand, closed forms, and truths of invariance."""

import copy
import math
from collections.abc import Sequence

import pytest
import torch
from torch import nn

from tests.flow_probing import SCALE_FREE, Sum, figures, linear, measured, relu_net, rows_of
from tests.probing import Chain
from vgp_bench.components.activations import make_activation
from vgp_bench.records.rows import ProbeRow
from vgp_bench.theory.mean_field import ACTIVATIONS, chi_1


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
