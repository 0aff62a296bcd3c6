"""One curve over several seeds: its middle, its spread, and what a logarithmic axis cannot show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Band:
    """Arrays of one length, a value for each x.

    middle, low, high: over the seeds; NaN where there is nothing to show. zero, broken: where at least one seed is
    exactly 0, or not finite. seeds: how many curves went in.
    """

    x: Array
    middle: Array
    low: Array
    high: Array
    zero: NDArray[np.bool_]
    broken: NDArray[np.bool_]
    seeds: int


def band_of_sizes(x: Array, curves: Sequence[Array]) -> Band:
    """For what is exponential in nature (norms, ratios): median of the logarithms, least and greatest positive value.

    curves: one a seed, each as long as x. middle is 0 where all seeds are exactly 0. Values that are not finite,
    NaN among them, count as broken: leave out what was not measured before.
    """
    values = np.stack([np.asarray(curve, dtype=float) for curve in curves])  # (seeds, x)
    zero, broken = values == 0, ~np.isfinite(values)
    usable = np.where(broken, np.nan, values)
    return Band(
        np.asarray(x, dtype=float),
        np.array([_median(column) for column in usable.T]),
        np.array([_positive(np.min, column) for column in usable.T]),
        np.array([_positive(np.max, column) for column in usable.T]),
        np.asarray(zero.any(axis=0)),
        np.asarray(broken.any(axis=0)),
        len(values),
    )


def band_of_shares(x: Array, curves: Sequence[Array]) -> Band:
    """For what is drawn on a linear axis (accuracies, losses, fractions, moments): mean, least and greatest value.

    NaN means not measured and is left out; an infinite value is broken. zero is never set: a linear axis shows it.
    """
    values = np.stack([np.asarray(curve, dtype=float) for curve in curves])
    broken = np.isinf(values)
    usable = np.where(broken, np.nan, values)
    measured = ~np.isnan(usable).all(axis=0)
    middle, low, high = (np.full(values.shape[1], np.nan) for _ in range(3))
    for into, statistic in ((middle, np.nanmean), (low, np.nanmin), (high, np.nanmax)):
        into[measured] = statistic(usable[:, measured], axis=0)
    nowhere = np.zeros(values.shape[1], dtype=bool)
    return Band(np.asarray(x, dtype=float), middle, low, high, nowhere, np.asarray(broken.any(axis=0)), len(values))


def _median(values: Array) -> float:
    # On logarithms, so that the middle of 1e-8 and 1e-2 is 1e-5. With exact zeros among an even number of
    # values the lower one of the two in the middle counts, which is what their geometric mean tends to.
    x = np.sort(values[~np.isnan(values)])
    if len(x) == 0:
        return np.nan
    low, high = float(x[(len(x) - 1) // 2]), float(x[len(x) // 2])
    if low in (0, high):
        return low  # exactly, without rounding
    return float(np.exp(0.5 * (np.log(low) + np.log(high))))


def _positive(choose: Any, values: Array) -> float:
    # The band is drawn on a logarithmic axis: it spans the positive values, zeros get marks of their own.
    x = values[values > 0]
    return float(choose(x)) if len(x) else np.nan
