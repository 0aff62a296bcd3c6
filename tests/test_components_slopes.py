"""Slopes as a share of the greatest one, against derivatives written down by hand."""

import math

import pytest
import torch
from torch import Tensor, nn

from vgp_bench.components.slopes import flattens_at_both_ends, greatest_slope, output_range, relative_slope

Z = torch.linspace(-6, 6, 97, dtype=torch.float64).view(-1, 1)


def sech2(z: Tensor) -> Tensor:
    return 1 / z.cosh().square()


def gelu(z: Tensor) -> Tensor:
    """Phi(z) + z phi(z)."""
    return (1 + torch.erf(z / math.sqrt(2))) / 2 + z * torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        (nn.Sigmoid(), 4 * torch.sigmoid(Z) * torch.sigmoid(-Z)),
        (nn.Tanh(), sech2(Z)),
        (nn.ReLU(), (Z > 0).double()),
        (nn.LeakyReLU(0.2), torch.where(Z > 0, 1.0, 0.2).double()),
        (nn.Softsign(), 1 / (1 + Z.abs()).square()),
        (nn.GELU(), gelu(Z).abs() / 1.1289),  # its greatest slope, at z = sqrt(2): claims of its paper
        (nn.Hardtanh(-2, 2), (Z.abs() < 2).double()),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_the_slope_is_the_derivative_over_its_maximum(activation: nn.Module, expected: Tensor) -> None:
    kinks = (Z == 0) | (Z.abs() == 2)
    found = relative_slope(activation, Z)
    assert torch.allclose(found[~kinks], expected[~kinks], rtol=1e-3, atol=1e-12)
    assert torch.equal(relative_slope(activation, Z, greatest_slope(activation, Z)), found)


@pytest.mark.parametrize("shape", [(6, 3), (2, 3, 4, 4)])
def test_each_channel_of_a_prelu_is_compared_with_its_own_greatest_slope(shape: tuple[int, ...]) -> None:
    # slopes a at z < 0, 1 at z > 0: the greatest are 1, 1 and 4
    activation = nn.PReLU(3)
    activation.weight.data = torch.tensor([0.25, -0.5, 4.0])
    below, above = relative_slope(activation, -torch.ones(shape)), relative_slope(activation, torch.ones(shape))
    for channel, (left, right) in enumerate([(0.25, 1.0), (0.5, 1.0), (1.0, 0.25)]):
        assert below.select(1, channel).unique().tolist() == [left]
        assert above.select(1, channel).unique().tolist() == [right]


def test_a_single_slope_for_all_units_is_one() -> None:
    activation = nn.PReLU(1, init=0.5)
    assert relative_slope(activation, -torch.ones(2, 5, 3)).unique().tolist() == [0.5]


class Bump(nn.Module):
    def forward(self, z: Tensor) -> Tensor:
        return torch.exp(-z.square())


class Sine(nn.Module):
    """Flat at +-2^20, as at other points, and nowhere near a limit."""

    def forward(self, z: Tensor) -> Tensor:
        return torch.sin(z * (math.pi / 2 + math.pi * 2**19) / 2**20)


class Range(nn.Module):
    """a tanh(z), an a for each feature."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor([1.0, 3.0]))

    def forward(self, z: Tensor) -> Tensor:
        return self.a * z.tanh()


@pytest.mark.parametrize(
    ("activation", "bounded"),
    [
        (nn.Sigmoid(), True),
        (nn.Tanh(), True),
        (nn.Softsign(), True),
        (nn.Hardsigmoid(), True),
        (nn.ReLU6(), True),
        (Bump(), True),
        (Sine(), False),
        (nn.ReLU(), False),
        (nn.ELU(), False),
        (nn.GELU(), False),
        (nn.Softplus(), False),
        (nn.PReLU(3, init=0.01), False),
        (nn.Identity(), False),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_what_flattens_at_both_ends(activation: nn.Module, bounded: bool, dtype: torch.dtype) -> None:
    # 2^20 is infinite in float16, and softsign there NaN
    assert flattens_at_both_ends(activation, torch.zeros(2, 3, dtype=dtype)) is bounded


@pytest.mark.parametrize(
    ("activation", "low", "high"),
    [(nn.Sigmoid(), 0, 1), (nn.Tanh(), -1, 1), (nn.Softsign(), -1, 1), (nn.Hardtanh(-3, 5), -3, 5)],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_the_range_of_what_does(activation: nn.Module, low: float, high: float, dtype: torch.dtype) -> None:
    found = output_range(activation, torch.zeros(2, 3, dtype=dtype))
    assert [float(end) for end in found] == pytest.approx([low, high], abs=1e-5)


def test_units_have_ranges_of_their_own() -> None:
    low, high = output_range(Range(), torch.zeros(5, 4, 2))
    assert (low.flatten().tolist(), high.flatten().tolist()) == ([-1, -3], [1, 3])


def test_half_precision_is_looked_at_in_float32_and_a_module_of_half_precision_in_its_own() -> None:
    z = torch.tensor([[4.0, -1.0]])
    assert torch.equal(relative_slope(nn.Tanh(), z.half()), relative_slope(nn.Tanh(), z))
    assert relative_slope(nn.PReLU(init=0.5), z.half())[0].tolist() == [1, 0.5]
    assert relative_slope(nn.PReLU(init=0.5).bfloat16(), z.bfloat16())[0].tolist() == [1, 0.5]


def test_no_random_number_is_drawn_and_no_mode_changed() -> None:
    activation = nn.RReLU(0.1, 0.3).train()
    before = torch.get_rng_state()
    assert torch.allclose(relative_slope(activation, -torch.ones(50, 3)), torch.tensor(0.2))  # the mean of the two
    flattens_at_both_ends(activation, torch.zeros(2, 3))
    output_range(activation, torch.zeros(2, 3))
    assert torch.equal(torch.get_rng_state(), before)
    assert activation.training


def test_hooks_of_others_see_nothing_of_it() -> None:
    activation, seen = nn.Tanh(), []
    activation.register_forward_hook(lambda *_: seen.append(1))
    flattens_at_both_ends(activation, Z)
    relative_slope(activation, Z)
    output_range(activation, Z)
    assert not seen


def test_the_slope_of_what_is_not_a_number_is_none() -> None:
    assert relative_slope(nn.Tanh(), torch.tensor([[math.nan, 0.0]])).isnan().tolist() == [[True, False]]
