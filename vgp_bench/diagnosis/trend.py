"""Straight lines with their intervals."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Line(NamedTuple):
    """Slope of y against x with its 95 % interval; NaN if there are fewer than three points."""

    slope: float
    low: float
    high: float


def least_squares(x: ArrayLike, y: ArrayLike) -> Line:
    """The ordinary fit, interval from Student's t. For what lies on a line, as log S_l over depth does."""
    from scipy.special import stdtrit

    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if len(x) < 3:
        return Line(np.nan, np.nan, np.nan)
    dx, dy = x - x.mean(), y - y.mean()
    slope = float(dx @ dy / (dx @ dx))
    error = np.sqrt(np.sum((dy - slope * dx) ** 2) / (len(x) - 2) / (dx @ dx))
    margin = float(stdtrit(len(x) - 2, 0.975) * error)
    return Line(slope, slope - margin, slope + margin)


def theil_sen(x: ArrayLike, y: ArrayLike) -> Line:
    """The median of the slopes between all pairs of points (Sen 1968): a loss has outliers."""
    from scipy.stats import theilslopes

    if len(np.asarray(x)) < 3:
        return Line(np.nan, np.nan, np.nan)
    found = theilslopes(np.asarray(y, dtype=float), np.asarray(x, dtype=float))
    return Line(float(found.slope), float(found.low_slope), float(found.high_slope))
