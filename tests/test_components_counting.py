"""Counts by numpy and by torch are the same counts; what numpy must not see, it does not."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vgp_bench.components.counting import (
    AT_LEAST,
    AT_MOST,
    EQUAL,
    GREATER,
    LESS,
    NOT_EQUAL,
    SMALL,
    Comparison,
    as_array,
    count,
    count_outside,
    count_per_unit,
)

VALUES = [-2.0, -1.0, 0.0, 1.0, 1.0, 2.0, math.nan, math.inf, -math.inf]
"""With 1 as the bound: 4 below, 2 equal, 2 above and a NaN."""


@pytest.mark.parametrize("times", [1, 10_000], ids=["small", "large"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize(
    ("comparison", "expected"),
    [(LESS, 4), (AT_MOST, 6), (AT_LEAST, 4), (GREATER, 2), (EQUAL, 2)],
    ids=["<", "<=", ">=", ">", "=="],
)
def test_a_count_leaves_out_nan(comparison: Comparison, expected: int, dtype: torch.dtype, times: int) -> None:
    values = torch.tensor(VALUES).repeat(times).to(dtype)
    assert (values.numel() > SMALL) == (times > 1)
    assert float(count(comparison, values, 1.0)) == expected * times
    assert float(count(comparison, values, torch.tensor(1.0))) == expected * times
    assert float(count_outside(values, 2.0)) == 4 * times


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(4, 3), (5, 4, 3), (5, 3, 2, 4), (SMALL, 3)], ids=str)
def test_units_are_counted_apart(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    unit = {2: 1, 3: 2, 4: 1}[len(shape)]
    values = torch.zeros(shape, dtype=dtype)
    for k, part in enumerate(values.unbind(unit)):
        part.flatten()[:k].fill_(1.0)  # as many as the number of the unit, where flatten() is a view
        part[0].fill_(1.0)
    values[-1] = math.nan
    expected = [(part == 1).sum().item() for part in values.unbind(unit)]
    for order in (values, values.transpose(0, -1).contiguous().transpose(0, -1)):
        found = count_per_unit(AT_LEAST, order, 1.0, torch.empty(shape))
        assert (found.tolist(), found.dtype) == (expected, torch.float32)
    assert count_per_unit(LESS, torch.empty(SMALL + 1, 0), 1.0, torch.empty(SMALL + 1, 0)).shape == (0,)
    assert count_per_unit(NOT_EQUAL, values, 0.0, torch.empty(shape)).tolist() == [
        n + values[-1].numel() / shape[unit] for n in expected
    ]


def test_values_in_any_order_of_memory_are_counted_once() -> None:
    grid = torch.arange(12.0).view(3, 4)
    for values, expected in ((grid.t(), 6), (grid[:, ::2], 3), (grid[1:], 2), (grid[:1].expand(5, 4), 20)):
        assert float(count(LESS, values, 6.0)) == expected


class Elsewhere(Tensor):
    """A tensor of somebody's own: what it says of itself need not be what is in its memory."""


def test_an_array_is_the_memory_of_a_plain_small_tensor_and_of_no_other() -> None:
    plain = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    array = as_array(plain)
    assert array is not None
    assert array.tolist() == [[1, 2], [3, 4]]
    assert np.shares_memory(array, plain.numpy())
    others = [
        plain.double(),
        plain.to(torch.bfloat16),
        plain.to("meta"),
        plain.as_subclass(Elsewhere),
        plain.clone().requires_grad_() * 1,
        nn.Parameter(plain),
        torch.complex(plain, plain).conj().imag,  # its sign is turned when it is read
        torch.zeros(SMALL + 1),
        plain.to_sparse(),
    ]
    assert [as_array(tensor) is None for tensor in others] == [True] * len(others)
    assert float(count(LESS, others[6], 0.0)) == 4
