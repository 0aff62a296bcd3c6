"""The flow of the signal where a network is odd: silent, frozen, shared, overwritten, in half precision."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from tests.flow_probing import FIGURES, SCALE_FREE, figures, linear, measured, relu_net, rows_of
from tests.probing import Aimless, Chain
from vgp_bench.architectures.stages import Stage
from vgp_bench.components.activations import make_activation
from vgp_bench.components.gates import GateLinear
from vgp_bench.data.objectives import Classification, Regression
from vgp_bench.monitor.flow import SAMPLES, flow_rows
from vgp_bench.monitor.probing import Probe


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


def test_it_says_the_same_without_gradients_being_on() -> None:
    model, inputs = relu_net(), torch.randn(20, 6)
    with torch.no_grad():
        assert measured(rows_of(model, inputs), "sensitivity") == measured(rows_of(model, inputs), "sensitivity")


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
