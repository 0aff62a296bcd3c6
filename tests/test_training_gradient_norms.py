"""The norm of the whole gradient is that of all its values, whichever of them are measured one by one."""

import math

import pytest
import torch
from torch import Tensor, nn

from vgp_bench.training.gradient_norms import gradient_norms


def parameter(gradient: Tensor | None, shape: tuple[int, ...] = ()) -> nn.Parameter:
    made = nn.Parameter(torch.zeros(shape if gradient is None else gradient.shape))
    made.grad = gradient
    return made


def test_a_matrix_has_a_norm_of_its_own_and_vectors_have_one_together() -> None:
    torch.manual_seed(0)
    matrix, filters = parameter(torch.randn(7, 5)), parameter(torch.randn(4, 3, 2, 2))
    small = [parameter(torch.randn(5)), parameter(torch.randn(9)), parameter(torch.randn(()))]
    frozen = parameter(None, (3, 3))
    parameters = [matrix, small[0], frozen, filters, *small[1:]]
    norms = gradient_norms(parameters)
    assert set(norms.each) == {matrix, filters}
    given = [found.grad for found in parameters if found.grad is not None]
    for weight in (matrix, filters):
        assert weight.grad is not None
        assert float(norms.each[weight]) == pytest.approx(weight.grad.norm().item(), rel=1e-6)
    assert float(norms.whole()) == pytest.approx(torch.cat([g.flatten() for g in given]).norm().item(), rel=1e-6)
    assert norms.whole().dtype == torch.float64


@pytest.mark.parametrize(
    ("weights", "biases", "whole"),
    [(3.0, 4.0, 5.0), (None, 4.0, 4.0), (3.0, None, 3.0), (None, None, 0.0), (3e-30, 4e-30, 5e-30), (3e25, 4e25, 5e25)],
)
def test_none_of_a_kind_and_sizes_that_float32_cannot_square(
    weights: float | None, biases: float | None, whole: float
) -> None:
    parameters = [
        parameter(None if weights is None else torch.tensor([[weights]]), (1, 1)),
        parameter(None if biases is None else torch.tensor([biases]), (1,)),
    ]
    assert float(gradient_norms(parameters).whole()) == pytest.approx(whole, rel=1e-6, abs=0)


@pytest.mark.parametrize("bad", [math.inf, math.nan])
@pytest.mark.parametrize("of", [(1, 1), (1,)], ids=["matrix", "bias"])
def test_a_value_that_is_not_finite_shows_in_the_whole(bad: float, of: tuple[int, ...]) -> None:
    parameters = [parameter(torch.ones(2, 2)), parameter(torch.ones(2)), parameter(torch.full(of, bad))]
    assert not math.isfinite(float(gradient_norms(parameters).whole()))
