"""How much values differ from one another, relative to their size: over the samples, over the units, over rows.

As in norms.py, float64 is taken where float32 could not be trusted, so that a signal of 1e-30 has digits too.
"""

import torch
from torch import Tensor

from vgp_bench.components.units import unit_dimension
from vgp_bench.monitor.norms import HALF, HUGE, TINY, Figure, true_norm
from vgp_bench.monitor.room import Room


def sample_norms(values: Tensor) -> Tensor:
    """||v_i||_2 of each sample, dimension 0: float64 (n,). In float32 the square of 1e-23 is 0 already."""
    rows = _not_half(values.reshape(len(values), -1))
    if rows.device.type == "cpu":  # where looking at a value costs nothing
        norms: Tensor = torch.linalg.vector_norm(rows, dim=1)
        if bool(((norms > TINY) & (norms < HUGE)).all()):
            return norms.double()
    careful: Tensor = torch.linalg.vector_norm(rows, dim=1, dtype=torch.float64)
    return careful


def input_share(h: Tensor, room: Room) -> Figure:
    """tr Cov(h) / E||h||^2 over the samples. 0 where h is 0 for all of them; NaN where h is not finite, or
    for a single sample. Of samples that are all alike 1e-14 or less remains, from rounding."""
    return _spread(h, 0, room) ** 2


def unit_spread(h: Tensor, room: Room) -> Figure:
    """||h - its mean over units||_2 / ||h||_2; 0 where h is 0, NaN for a single unit."""
    return _spread(h, unit_dimension(h), room)


def weight_spread(weight: Tensor, room: Room, gates: int = 1) -> Figure:
    """||W - its mean row||_2 / ||W||_2; 0 where W is 0, NaN for a single row. Rows are output units.

    gates: of a weight that stacks so many matrices, whose rows are compared with those of the same matrix.
    """
    return _spread(weight.reshape(gates, len(weight) // gates, -1), 1, room)


def _spread(values: Tensor, dimension: int, room: Room) -> Figure:
    """||v - its mean along the dimension||_2 / ||v||_2."""
    values = _not_half(values)
    if values.ndim <= dimension or values.shape[dimension] < 2:
        return torch.full((), torch.nan, dtype=torch.float64, device=values.device)
    whole = true_norm(values)
    if isinstance(whole, float):  # from TINY to HUGE, hence neither 0 nor NaN
        return true_norm(torch.sub(values, values.mean(dimension, keepdim=True), out=room.like(values))) / whole
    values = values.double()
    rest = torch.linalg.vector_norm(values - values.mean(dimension, keepdim=True))
    # NaN / 0 has to stay NaN, and 0 / 0 is 0.
    return torch.where(whole == 0, torch.zeros_like(whole), rest / whole)


def _not_half(values: Tensor) -> Tensor:
    return values.float() if values.dtype in HALF else values
