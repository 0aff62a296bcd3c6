"""Saturation: where an activation passes on less than 5 % of the gradient it could pass on.

A unit is saturated at z where |phi'(z)| < 0.05 * max |phi'|. One rule for every activation, derived from phi'
itself instead of from a list of thresholds. For the activations of this package at their default keys:

| activation | max |phi'| | saturated where |
|---|---|---|
| identity | 1 | never |
| sigmoid | 1/4 | |z| > 4.357 |
| hard_sigmoid | 1/6 | |z| >= 3 |
| tanh | 1 | |z| > 2.178 |
| softsign | 1 | |z| > 3.472 |
| relu | 1 | z <= 0 |
| leaky_relu | 1 | z <= 0 while negative_slope < 0.05; else never |
| prelu | max(1, |a|) | z <= 0 while |a| < 0.05; z > 0 while |a| > 20; a is the live parameter |
| elu | 1 | z < -2.996 |
| selu | 1.758 | z < -2.996 |
| gelu | 1.129 | z < -2.279, and -0.903 < z < -0.633 around its minimum, where phi' changes sign |
| silu | 1.100 | z < -3.930, and -1.595 < z < -1.059 |
| mish | 1.088 | z < -3.981, and -1.441 < z < -1.014 |
| softplus | 1 | z < -2.944 |
"""

import copy
import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from vgp_bench.components.activations import MARK
from vgp_bench.components.counting import AT_LEAST, AT_MOST, GREATER, LESS, count, count_outside
from vgp_bench.components.units import unit_dimension

THRESHOLD = 0.05
"""Share of max |phi'| below which a unit counts as saturated."""

Counter = Callable[[Tensor], Tensor | float]
Interval = tuple[float, float]

# One entry per class and settings: 110 layers look one rule up, and no module is kept alive.
_intervals: dict[tuple[type[nn.Module], tuple[tuple[str, object], ...]], tuple[Interval, ...]] = {}

# A periodic phi has dozens: then the derivative itself is cheaper than the union.
_MOST_INTERVALS = 8
_MODULE_ATTRIBUTES = frozenset(vars(nn.Module())) | {MARK}


def saturated_count(activation: nn.Module, z: Tensor) -> Tensor | float:
    """How many values of z (any shape) are saturated, as components.counting has it: the host waits for no device.

    NaN is never saturated.
    """
    return saturation_counter(activation)(z)


def saturation_counter(activation: nn.Module) -> Counter:
    """z -> saturated_count(activation, z), with the look-up done: keep it to count every step."""
    if type(activation) is nn.PReLU:
        return partial(_prelu_count, activation.weight)
    intervals = _cached_intervals(activation)
    if intervals is None:
        return partial(_derivative_count, activation)
    return _interval_counter(intervals)


def saturated_intervals(activation: nn.Module) -> tuple[Interval, ...]:
    """The saturated set as closed intervals of float64 numbers, ascending; the outer ends may be infinite.

    Found by autograd on a grid of |z| <= 64 (spacing 1/1024), with points up to 2^20 beyond it, and bisection
    of every change down to neighbouring floats. Narrower dips than the spacing are not seen. Parameters of
    the module, if any, must be float64 and on the CPU.
    """
    # A copy with training off: RReLU draws random slopes in training. forward is called instead of the
    # module, so that hooks of whoever measures do not see the grid.
    resting = copy.copy(activation)
    resting.training = False

    def slopes(z: Tensor) -> Tensor:
        return slope(resting, z).abs()

    tail = 2 ** torch.linspace(6, 20, 225, dtype=torch.float64)[1:]
    grid = torch.cat([-tail.flip(0), torch.linspace(-64, 64, 2**17 + 1, dtype=torch.float64), tail])
    on_grid = slopes(grid)
    limit = THRESHOLD * on_grid.max()
    saturated = on_grid < limit
    changes = torch.nonzero(saturated[1:] != saturated[:-1]).flatten()
    below, above = _bisect(lambda z: slopes(z) < limit, grid[changes], grid[changes + 1])
    # Of the two neighbours at a change, the upper one begins an interval or the lower one ends it.
    ends = torch.where(saturated[changes + 1], above, below).tolist()
    if saturated[0]:
        ends.insert(0, float("-inf"))
    if saturated[-1]:
        ends.append(float("inf"))
    return tuple(zip(ends[::2], ends[1::2], strict=True))


def slope(activation: nn.Module, z: Tensor) -> Tensor:
    """phi'(z) by autograd, shape of z; hooks on the module do not see it."""
    with torch.inference_mode(False), torch.enable_grad():
        inputs = z.detach().clone().requires_grad_()
        return torch.autograd.grad(activation.forward(inputs).sum(), inputs)[0]


def _bisect(holds: Callable[[Tensor], Tensor], below: Tensor, above: Tensor) -> tuple[Tensor, Tensor]:
    """Narrow each (below, above), between which holds changes, to neighbouring float64 numbers."""
    if not len(below):
        return below, above
    at_below = holds(below)
    # Halving ends at neighbours 2^-1074 apart at worst (a change at 0), hence the many rounds.
    for _ in range(1100):
        middle = below + (above - below) / 2
        moves = (middle > below) & (middle < above)
        if not moves.any():
            break
        as_below = holds(middle) == at_below
        below, above = (
            torch.where(moves & as_below, middle, below),
            torch.where(moves & ~as_below, middle, above),
        )
    return below, above


def _cached_intervals(activation: nn.Module) -> tuple[Interval, ...] | None:
    """The intervals, or None where the derivative must be taken live: state that changes, too many."""
    has_state = any(True for _ in activation.parameters()) or any(True for _ in activation.buffers())
    settings = {key: value for key, value in vars(activation).items() if key not in _MODULE_ATTRIBUTES}
    plain = all(value is None or isinstance(value, bool | int | float | str) for value in settings.values())
    if has_state or not plain or any(True for _ in activation.children()):
        return None
    key = (type(activation), tuple(sorted(settings.items())))
    if key not in _intervals:
        _intervals[key] = saturated_intervals(activation)
    return _intervals[key] if len(_intervals[key]) <= _MOST_INTERVALS else None


def _interval_counter(intervals: tuple[Interval, ...]) -> Counter:
    """The cheapest count of the values in the intervals."""
    match intervals:
        case []:
            return lambda z: 0.0
        case [(_, upper)] if intervals[0][0] == float("-inf"):
            return lambda z: count(AT_MOST, z, upper)
        case [(low, left), (right, high)] if low == -high and math.isclose(right, -left, rel_tol=1e-12):
            return lambda z: count_outside(z, right)
        case _:
            return partial(_union_count, intervals)


def _union_count(intervals: tuple[Interval, ...], z: Tensor) -> Tensor | float:
    counts: list[Tensor | float] = []
    for lower, upper in intervals:
        if lower == float("-inf"):
            counts.append(count(AT_MOST, z, upper))
        elif upper == float("inf"):
            counts.append(count(AT_LEAST, z, lower))
        else:
            middle, radius = (lower + upper) / 2, (upper - lower) / 2
            counts.append(count(AT_MOST, (z.detach() - middle).abs_(), radius))
    return sum(counts[1:], start=counts[0])


def _prelu_count(slope: Tensor, z: Tensor) -> Tensor | float:
    """PReLU with slope a: z <= 0 has |phi'| = |a|, z > 0 has 1. Several slopes belong to dimension 1, as in torch."""
    steepness = slope.detach().abs().to(z)
    if len(slope) > 1:
        steepness = steepness.view(-1, *[1] * (z.ndim - 2))
    zero, never = torch.zeros_like(steepness), torch.full_like(steepness, float("nan"))
    # The bound decides on the device which side is saturated; a comparison with NaN is never true.
    left = torch.where(steepness < THRESHOLD, zero, never)
    right = torch.where(steepness * THRESHOLD > 1, zero, never)
    return count(AT_MOST, z, left) + count(GREATER, z, right)


def _derivative_count(activation: nn.Module, z: Tensor) -> Tensor | float:
    """From the live derivative: for activations whose phi changes in training or has too many intervals.

    z: (n, units), (n, length, units) or (n, channels, height, width). The maximum is that of each unit, over a grid of
    |z| <= 16. Slow.
    """
    grid = torch.linspace(-16, 16, 1025, dtype=z.dtype, device=z.device)
    if z.ndim > 1:
        units = [1] * (z.ndim - 1)
        units[unit_dimension(z) - 1] = z.shape[unit_dimension(z)]
        grid = grid.view(-1, *[1] * len(units)).expand(-1, *units)
    maximum = slope(activation, grid).abs().amax(dim=0, keepdim=True)
    return count(LESS, slope(activation, z).abs(), THRESHOLD * maximum)
