"""The slope phi'(z) of an activation as a share of its greatest one, value by value."""

import copy

import torch
from torch import Tensor, nn

from vgp_bench.components.saturation import THRESHOLD, slope
from vgp_bench.components.units import unit_dimension

_GRID = (-16.0, 16.0, 1025)
"""Where the greatest slope is looked for: |z| <= 16, spacing 1/32."""
_FAR = tuple(2.0**20 * share for share in (1.0, 0.9, 0.8, 0.7, 0.6))
"""As good as infinity: softsign, the slowest of the activations to flatten, has a slope of 1e-12 there. Several, as
a sine may happen to be flat at one."""


def relative_slope(activation: nn.Module, z: Tensor, greatest: Tensor | None = None) -> Tensor:
    """|phi'(z)| / max |phi'|, shape of z, float32 at least.

    greatest: greatest_slope(activation, z), if it is known: it costs more than the slopes of a small z.
    """
    values = in_full_precision(activation, z)
    steepest = greatest_slope(activation, values) if greatest is None else greatest
    return slope(_resting(activation), values).abs() / steepest


def greatest_slope(activation: nn.Module, z: Tensor) -> Tensor:
    """max |phi'|, to be broadcast with z: (1, units, 1, ...) where units may differ, else a single value."""
    points = _for_each_unit(activation, z, torch.linspace(*_GRID))
    return slope(_resting(activation), points).abs().amax(0, keepdim=True)


def flattens_at_both_ends(activation: nn.Module, z: Tensor, greatest: Tensor | None = None) -> bool:
    """Whether phi has a limit on either side, as sigmoid and tanh have: only then is a flat unit one driven too far.

    On one side, as in ReLU, being flat is how the unit is silent. z: any input it takes. greatest: as
    in relative_slope.
    """
    ends = slope(_resting(activation), _far(activation, z)).abs()
    return bool((ends < THRESHOLD * (greatest_slope(activation, z) if greatest is None else greatest)).all())


def output_range(activation: nn.Module, z: Tensor) -> tuple[Tensor, Tensor]:
    """The least and the greatest of phi's limits on either side, for what flattens at both ends: to be broadcast with
    z, as greatest_slope is."""
    with torch.no_grad():
        ends = _resting(activation).forward(_far(activation, z))
    return ends.amin(0, keepdim=True), ends.amax(0, keepdim=True)


def in_full_precision(activation: nn.Module, z: Tensor) -> Tensor:
    """z in float32 where it has less, unless the activation's own parameters have less too."""
    kinds = [parameter.dtype for parameter in activation.parameters()]
    return z.float() if z.dtype.itemsize < 4 and all(kind.itemsize >= 4 for kind in kinds) else z


def _resting(activation: nn.Module) -> nn.Module:
    """A copy with training off: RReLU would draw random slopes."""
    resting = copy.copy(activation)
    resting.training = False
    return resting


def _far(activation: nn.Module, z: Tensor) -> Tensor:
    return _for_each_unit(activation, z, torch.tensor([*(-far for far in _FAR), *_FAR]))


def _for_each_unit(activation: nn.Module, z: Tensor, points: Tensor) -> Tensor:
    """(points, units, 1, ...): the points, the same ones for each unit of z; only once where all units are alike."""
    alike = not any(True for _ in activation.parameters()) and not any(True for _ in activation.buffers())
    shape, units = [1] * z.ndim, [1] * z.ndim
    shape[0] = units[0] = len(points)
    if not alike and z.ndim > 1:
        units[unit_dimension(z)] = z.shape[unit_dimension(z)]
    return points.to(in_full_precision(activation, z)).view(shape).expand(units).contiguous()
