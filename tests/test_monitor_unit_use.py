"""How units are used, on inputs made by hand."""

import math

import pytest
import torch
from torch import Tensor, nn

from vgp_bench.components.activations import make_activation
from vgp_bench.monitor.unit_use import PORTION, UnitUse


def use_of(module: nn.Module, *runs: Tensor) -> dict[str, float]:
    use = UnitUse(module)
    for z in runs:
        use.add(z, module(z))
    return {name: float(figure) for name, figure in UnitUse.together([use]).items()}


def column(flat: int, of: int, level: float = 10.0) -> Tensor:
    """So many inputs at +-level, the others at 0."""
    z = torch.zeros(of)
    z[:flat] = level
    z[: flat // 2] = -level
    return z


def test_a_unit_is_saturated_where_it_is_flat_on_more_than_nine_inputs_in_ten() -> None:
    z = torch.stack([column(90, 100), column(91, 100), column(100, 100), column(0, 100)], dim=1)
    assert use_of(nn.Tanh(), z)["saturated_units"] == pytest.approx(2 / 4)
    assert use_of(nn.Sigmoid(), z)["saturated_units"] == pytest.approx(2 / 4)
    assert math.isnan(use_of(nn.ReLU(), z)["saturated_units"])


def test_flat_is_a_slope_below_a_twentieth_of_the_greatest() -> None:
    # a sigmoid at |z| > 4.357, a tanh at |z| > 2.178
    z = torch.tensor([[4.35, 4.36, -4.36, 2.17, -2.18]]).repeat(10, 1)
    assert use_of(nn.Sigmoid(), z)["saturated_units"] == pytest.approx(2 / 5)
    assert use_of(nn.Tanh(), z)["saturated_units"] == pytest.approx(4 / 5)


def test_a_unit_that_is_seldom_not_0_is_rare_and_one_that_is_hardly_more_is_faint() -> None:
    z = -torch.ones(1000, 4)
    z[:10, 0] = 3.0  # speaks on 1 % of the inputs: not rare
    z[:9, 1] = 3.0  # less than that
    z[:50, 2] = 3.0  # faint on exactly 95 %
    z[:51, 3] = 3.0
    z[51:, 3] = 1e-4  # neither
    found = use_of(nn.ReLU(), z)
    assert (found["rare_units"], found["faint_units"]) == pytest.approx((1 / 4, 3 / 4))
    z = torch.where(z == -1, torch.tensor(0.9e-5), z)  # of these no one is 0, and as many are faint
    found = use_of(nn.ReLU(), z)
    assert (found["rare_units"], found["faint_units"]) == pytest.approx((0, 3 / 4))
    assert found["nonpositive_fraction"] == 0


def test_large_and_extreme_inputs_on_either_side_the_bound_included() -> None:
    z = torch.tensor([[4.9, 5.0, -5.0, 9.4], [9.5, -9.5, 0.0, -20.0]])
    found = use_of(nn.Identity(), z)
    assert (found["large_input_fraction"], found["extreme_input_fraction"]) == pytest.approx((6 / 8, 3 / 8))
    assert found["nonpositive_fraction"] == pytest.approx(4 / 8)
    assert (found["slope_mean"], found["rare_units"]) == pytest.approx((1, 0))


def test_the_distance_from_the_middle_of_the_range() -> None:
    z = torch.tensor([[0.0, 40.0], [-40.0, math.log(3)]])
    assert use_of(nn.Sigmoid(), z)["boundary_mean"] == pytest.approx((0 + 1 + 1 + 0.5) / 4)  # 1 / (1 + 1/3) = 3/4
    assert use_of(nn.Tanh(), z / 2)["boundary_mean"] == pytest.approx((0 + 1 + 1 + 0.5) / 4)
    assert use_of(nn.Hardtanh(-1, 3), torch.tensor([[1.0, -9.0, 2.0]]))["boundary_mean"] == pytest.approx(1.5 / 3)
    assert math.isnan(use_of(nn.GELU(), z)["boundary_mean"])


class Bump(nn.Module):
    def forward(self, z: Tensor) -> Tensor:
        return torch.exp(-z.square())


def test_what_has_one_limit_on_both_sides_has_no_middle() -> None:
    assert math.isnan(use_of(Bump(), torch.ones(2, 2))["boundary_mean"])
    assert use_of(Bump(), torch.full((2, 2), 9.0))["saturated_units"] == 1


@pytest.mark.parametrize("shape", [(100, 2, 1, 1), (10, 2, 2, 5), (10, 10, 2), (100, 2)])
def test_positions_and_time_steps_are_inputs_of_the_same_unit(shape: tuple[int, ...]) -> None:
    # unit 1 is flat on 95 of 100, unit 2 on 85 of 100
    units = torch.stack([column(95, 100), column(85, 100)], dim=1)
    z = units.reshape(shape[0], -1, 2).movedim(2, 1).reshape(shape) if len(shape) == 4 else units.reshape(shape)
    assert use_of(nn.Tanh(), z)["saturated_units"] == pytest.approx(1 / 2)


def test_the_runs_of_a_recurrent_cell_are_inputs_of_the_same_units() -> None:
    # 19 of 20 steps flat for unit 1; for unit 2 all in the one step, none in the others
    runs = [torch.tensor([[10.0, 10.0 if step == 0 else 0.0]]).repeat(4, 1) for step in range(20)]
    runs[7] = torch.zeros(4, 2)
    assert use_of(nn.Tanh(), *runs)["saturated_units"] == pytest.approx(1 / 2)
    assert use_of(nn.Tanh(), torch.cat(runs)) == pytest.approx(use_of(nn.Tanh(), *runs), nan_ok=True)


def test_runs_of_several_sizes_and_more_values_than_are_gathered() -> None:
    torch.manual_seed(0)
    runs = [6 * torch.randn(n, 8) for n in (3, PORTION // 8 + 1, 1, PORTION // 8 - 1, 500)]
    assert use_of(nn.Sigmoid(), *runs) == pytest.approx(use_of(nn.Sigmoid(), torch.cat(runs)), rel=1e-5, nan_ok=True)
    images = [6 * torch.randn(4, 3, side, side) for side in (8, 4, 4, 2)]
    as_units = torch.cat([image.movedim(1, 3).reshape(-1, 3) for image in images])
    for module in (nn.Sigmoid(), nn.PReLU(3, init=0.1)):
        assert use_of(module, *images) == pytest.approx(use_of(module, as_units), rel=1e-5, nan_ok=True)


def test_the_slopes_of_units_are_looked_up_anew_where_the_shape_changes() -> None:
    # as (n, 3) the slopes belong to dimension 1, and of (n, 3, 2, 2) too: shaped otherwise
    module = nn.PReLU(3)
    module.weight.data = torch.tensor([0.5, 1.0, 4.0])
    found = use_of(module, -torch.ones(4, 3), -torch.ones(1, 3, 2, 2))
    assert found["slope_mean"] == pytest.approx((0.5 + 1 + 1) / 3)


def test_what_is_written_over_afterwards_has_been_seen() -> None:
    use, z, output = UnitUse(nn.ReLU()), torch.ones(4, 2), torch.ones(4, 2)
    use.add(z, output)
    z.fill_(-9.0)
    output.zero_()
    found = UnitUse.together([use])
    assert [float(found[name]) for name in ("slope_mean", "nonpositive_fraction", "rare_units")] == [1, 0, 0]


def test_several_activations_of_a_stage_count_by_their_values_and_units() -> None:
    tanh, relu = UnitUse(nn.Tanh()), UnitUse(nn.ReLU())
    z = torch.full((10, 1), 20.0)
    tanh.add(z, z.tanh())
    z = -torch.ones(10, 3)
    relu.add(z, z.relu())
    found = {name: float(figure) for name, figure in UnitUse.together([tanh, relu, UnitUse(nn.GELU())]).items()}
    assert found["slope_mean"] == pytest.approx(0, abs=1e-6)
    assert found["nonpositive_fraction"] == pytest.approx(3 / 4)
    assert found["extreme_input_fraction"] == pytest.approx(1 / 4)
    assert found["saturated_units"] == 1  # of the unit of the tanh alone
    assert found["boundary_mean"] == pytest.approx(1)
    assert found["rare_units"] == pytest.approx(3 / 4)


def test_what_never_ran_says_nothing() -> None:
    assert all(math.isnan(figure) for figure in UnitUse.together([UnitUse(nn.ReLU())]).values())
    assert all(math.isnan(figure) for figure in UnitUse.together([]).values())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("module", [nn.Tanh(), nn.Softsign(), nn.GELU(), nn.PReLU()])
def test_half_precision_says_what_float32_says(module: nn.Module, dtype: torch.dtype) -> None:
    z = torch.tensor([[0.5, -8.0], [20.0, -10.0]])
    use = UnitUse(module)
    use.add(z.to(dtype), module(z).to(dtype))
    half = {name: float(figure) for name, figure in UnitUse.together([use]).items()}
    assert half == pytest.approx(use_of(module, z), rel=0.01, nan_ok=True)


def test_a_vector_is_one_unit() -> None:
    assert use_of(nn.Tanh(), column(95, 100))["saturated_units"] == 1


def test_random_slopes_are_not_drawn() -> None:
    module, z = make_activation(lambda: nn.RReLU(0.2, 0.4)), -torch.ones(50, 2)
    output = module(z)
    state = torch.get_rng_state()
    use = UnitUse(module)
    use.add(z, output)
    assert float(UnitUse.together([use])["slope_mean"]) == pytest.approx(0.3)
    assert torch.equal(torch.get_rng_state(), state)


def test_millions_of_values_are_counted_to_the_last() -> None:
    z = torch.full((2, 2, 1500, 1500), 6.0)
    z[0, 0, 0, 0] = -1.0
    found = use_of(nn.ReLU(), z)
    assert found["nonpositive_fraction"] * z.numel() == pytest.approx(1, abs=1e-6)
    assert (1 - found["large_input_fraction"]) * z.numel() == pytest.approx(1, abs=1e-6)
