"""Curves of several seeds against the optimizer step, brought onto one grid."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from vgp_bench.report.series.band import Array, Band, band_of_shares

Curve = tuple[Array, Array]
"""Steps, ascending, and the values at them."""


def measured(steps: ArrayLike, values: ArrayLike) -> Curve:
    """The curve without what is NaN, which means not measured."""
    x, y = np.asarray(steps, dtype=float), np.asarray(values, dtype=float)
    known = ~np.isnan(y)
    return x[known], y[known]


def band_over_steps(curves: Sequence[Curve]) -> Band | None:
    """Mean and range over the seeds that were measured at each step; None if none was measured at all.

    Seeds may have come to different lengths: a step that only some reached is the mean of those.
    """
    curves = [curve for curve in curves if len(curve[0])]
    if not curves:
        return None
    grid = np.unique(np.concatenate([x for x, _ in curves]))
    values = np.full((len(curves), len(grid)), np.nan)
    for row, (x, y) in zip(values, curves, strict=True):
        row[np.searchsorted(grid, x)] = y
    return band_of_shares(grid, list(values))
