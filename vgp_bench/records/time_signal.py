"""How the gradient of a recurrent network changes through time, read off the time table. Needs numpy only.

A time table is given as columns: name -> array, all of one length, as in rows.TimeRow.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vgp_bench.records.signal import Columns

SMALLEST = 1e-300
"""Below, single values of a norm may have become 0 in float64."""

LEFT_OUT = 3
"""Lags next to the loss left out of a fit over more than twice as many: the classifier still shows there."""


class TimeDecay(NamedTuple):
    """Straight line through ln ||dL/dh_t||_2 against the lag, the steps between t and the end of the sequence."""

    rho: float  # factor a time step further from the end; below 1 the gradient vanishes
    low: float
    high: float  # 95 % interval of rho, from the scatter around the line (Student's t)
    n: int  # lags fitted


def decay_per_step(lag: ArrayLike, gradient: ArrayLike) -> TimeDecay:
    """The decay of one layer and direction at one step. Zeros, what is below SMALLEST and what is not finite is left
    out; with fewer than three points everything is NaN.

    Neighbouring lags scatter alike, so the interval is narrower than that of independent points would be right to be:
    the interval over seeds is the one to trust.
    """
    x, g = np.asarray(lag, dtype=float), np.asarray(gradient, dtype=float)
    if len(x) > 2 * LEFT_OUT:
        x, g = x[x >= LEFT_OUT], g[x >= LEFT_OUT]
    usable = np.isfinite(g) & (g >= SMALLEST)
    x, y = x[usable], np.log(g[usable])
    if len(x) < 3:
        return TimeDecay(np.nan, np.nan, np.nan, len(x))
    from scipy.special import stdtrit

    dx, dy = x - x.mean(), y - y.mean()
    slope = (dx @ dy) / (dx @ dx)
    error = np.sqrt(np.sum((dy - slope * dx) ** 2) / (len(x) - 2) / (dx @ dx))
    margin = stdtrit(len(x) - 2, 0.975) * error
    rho, low, high = (float(np.exp(value)) for value in (slope, slope - margin, slope + margin))
    return TimeDecay(rho, low, high, len(x))


def last_layer(times: Columns, step: int, column: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Lag and gradient of the last layer, read forward, at one step, in order of the lag.

    The last one: from a lower layer of a bidirectional net a short way leads to the loss, through the half above that
    reads from the end, and its gradient says nothing of the way through time.
    """
    layers = np.asarray(times["layer"], dtype=object)
    chosen = (np.asarray(times["step"]) == step) & (np.asarray(times["direction"], dtype=object) == "forward")
    if not chosen.any():
        return np.empty(0), np.empty(0)
    chosen &= layers == layers[chosen][-1]
    lag = np.asarray(times["lag"], dtype=float)[chosen]
    order = np.argsort(lag)
    return lag[order], np.asarray(times[column], dtype=float)[chosen][order]


def time_figures(times: Columns) -> dict[str, float]:
    """The figures of Summary that describe the gradient through time, by field name; none if nothing was measured."""
    steps = np.unique(np.asarray(times["step"]))
    figures: dict[str, float] = {}
    for prefix, index in (("initial", 0), ("final", -1)):
        if not len(steps):
            continue
        lag, gradient = last_layer(times, int(steps[index]), "state_gradient_l2")
        decay = decay_per_step(lag, gradient)
        lag_of_cell, cell = last_layer(times, int(steps[index]), "cell_gradient_l2")
        figures |= {
            f"{prefix}_time_ratio": _ratio(gradient),
            f"{prefix}_decay_per_step": decay.rho,
            f"{prefix}_decay_per_step_low": decay.low,
            f"{prefix}_decay_per_step_high": decay.high,
            f"{prefix}_cell_time_ratio": _ratio(cell),
            f"{prefix}_cell_decay_per_step": decay_per_step(lag_of_cell, cell).rho,
        }
    return figures


def _ratio(gradient: NDArray[Any]) -> float:
    """The gradient at the longest lag over that at the shortest."""
    if len(gradient) < 2:
        return np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(gradient[-1] / gradient[0])
