"""How many values satisfy a comparison, and small tensors as numpy sees them.

A look at a network of usual width is hundreds of operations on some 30,000 values each: there a call costs as much as
the numbers do, and numpy's calls cost half of torch's (comparing and counting 128 x 256 values: 4 against 8 us on one
thread, 10 on two). Above SMALL torch is ahead, for it uses all cores.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vgp_bench.components.units import unit_dimension

SMALL = 2**16
"""Values up to which numpy is quicker."""

ONES = np.ones(SMALL, dtype=np.float32)
"""To add up by a product, which takes half as long as a sum."""


class Comparison(NamedTuple):
    """One comparison in both libraries."""

    in_torch: Callable[..., Tensor]
    in_numpy: Callable[..., NDArray[np.bool_]]


LESS = Comparison(torch.lt, np.less)
AT_MOST = Comparison(torch.le, np.less_equal)
AT_LEAST = Comparison(torch.ge, np.greater_equal)
GREATER = Comparison(torch.gt, np.greater)
EQUAL = Comparison(torch.eq, np.equal)
NOT_EQUAL = Comparison(torch.ne, np.not_equal)

Values = Tensor | NDArray[np.float32]
"""A tensor, or what as_array() made of it, so that it need not be made twice."""


def as_array(tensor: Tensor) -> NDArray[np.float32] | None:
    """The values of a small float32 tensor on the CPU, to be read only; None for any other.

    A tensor that still belongs to an autograd graph is none of them: detach() it.
    """
    # A subclass may have no memory, or other numbers in it.
    if type(tensor) is not Tensor or tensor.dtype is not torch.float32 or not tensor.is_cpu or tensor.numel() > SMALL:
        return None
    try:
        return tensor.numpy()
    except (RuntimeError, TypeError):  # in a graph, to be read with its sign turned; sparse
        return None


def count(comparison: Comparison, values: Values, bound: float | Tensor, hits: Tensor | None = None) -> Tensor | float:
    """How many values satisfy it; never a NaN. A number where the CPU has it, else float32 (), rounded above 2^24.

    bound: a number, or a tensor to be broadcast with the values. hits: room for a float32 a value, if there is some.
    Comparing into floats and adding these up takes torch less than half as long on a CPU as a boolean mask and its sum
    or count_nonzero (.16 against .9 ms for 2 million values).
    """
    if isinstance(values, Tensor) and not isinstance(bound, Tensor) and (array := as_array(values)) is not None:
        values = array
    if not isinstance(values, Tensor):
        return float(np.count_nonzero(comparison.in_numpy(values, bound)))
    values = values.detach()
    hits = torch.empty_like(values, dtype=torch.float32) if hits is None else hits
    comparison.in_torch(values, bound, out=hits)
    return hits.sum()


def count_per_unit(comparison: Comparison, values: Tensor, bound: float, hits: Tensor) -> Tensor:
    """float32 (units,): how many values of each unit satisfy it; exact up to 2^24 of them. Units as in units.py.

    hits: room for a float32 a value.
    """
    array = as_array(values)
    if array is not None and array.ndim == 2 and len(array) <= SMALL:
        return torch.from_numpy(ONES[: len(array)] @ comparison.in_numpy(array, bound).astype(np.float32))
    unit = unit_dimension(values)
    comparison.in_torch(values, bound, out=hits)
    return hits.sum([dimension for dimension in range(values.ndim) if dimension != unit])


def count_outside(values: Tensor, bound: float) -> Tensor | float:
    """How many |values| are at least bound, as count() does. bound: above 0."""
    if as_array(values) is not None:  # without fresh memory for the sizes
        return count(AT_LEAST, values, bound) + count(AT_MOST, values, -bound)
    return count(AT_LEAST, values.detach().abs(), bound)
