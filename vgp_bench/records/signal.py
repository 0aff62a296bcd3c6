"""How the gradient changes along depth, read off the layer table. Needs numpy only.

A layer table is given as columns: name -> array, all of one length, as in rows.LayerRow.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Columns = Mapping[str, Any]
Step = int | Literal["first", "last"]

LEFT_OUT_FIRST, LEFT_OUT_LAST, FEWEST_STAGES = 3, 1, 8
"""The ends of a net are not yet, or no longer, in the steady state a per-layer factor describes; a net with
fewer than FEWEST_STAGES hidden stages would lose most of its points, so all of them are used."""


class Decay(NamedTuple):
    """Straight line through ln ||dL/dh_l||_2 against depth."""

    rho: float  # factor per weight layer going down towards the input; below 1 the gradient vanishes
    r2: float  # share of variance explained; NaN where there is no variance or no fit
    n: int  # stages fitted


def decay_per_layer(depth: ArrayLike, gradient: ArrayLike) -> Decay:
    """Per-layer factor of the gradient of the hidden stages of one network at one step.

    depth: weight layers from the input, one for each hidden stage; gradient: ||dL/dh_l||_2, same length.
    Zeros and non-finite values cannot be fitted and are left out. Fewer than two points: rho is NaN.
    """
    x, g = np.asarray(depth, dtype=float), np.asarray(gradient, dtype=float)
    order = np.argsort(x, kind="stable")
    if len(order) >= FEWEST_STAGES:
        order = order[LEFT_OUT_FIRST:-LEFT_OUT_LAST]
    order = order[np.isfinite(g[order]) & (g[order] > 0)]
    x, y = x[order], np.log(g[order])
    if len(np.unique(x)) < 2:
        return Decay(np.nan, np.nan, len(x))
    dx, dy = x - x.mean(), y - y.mean()
    slope = (dx @ dy) / (dx @ dx)
    total, residual = dy @ dy, np.sum((dy - slope * dx) ** 2)
    return Decay(float(np.exp(-slope)), float(1 - residual / total) if total > 0 else np.nan, len(x))


def gradient_ratio(gradient: ArrayLike) -> float:
    """First over last of the gradients in depth order; 0 if the first is exactly 0; NaN with fewer than two, or where
    the last is not finite and the first is: over infinity everything would be 0."""
    g = np.asarray(gradient, dtype=float)
    if len(g) < 2:
        return np.nan
    if g[0] == 0:
        return 0.0
    if np.isinf(g[-1]):
        return np.inf if np.isinf(g[0]) else np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(g[0] / g[-1])


def logged_steps(layers: Columns) -> list[int]:
    """The steps at which the gradient of hidden stages was measured, ascending."""
    measured = _hidden(layers) & ~np.isnan(_gradient(layers))
    return [int(step) for step in np.unique(np.asarray(layers["step"])[measured])]


def hidden_gradient(layers: Columns, step: Step) -> tuple[NDArray[Any], NDArray[Any]]:
    """Depth and ||dL/dh_l||_2 of the hidden stages at one logged step, in depth order.

    A norm of which the non-finite values had to be left out is given as infinite: it is no norm of dL/dh_l.
    Both arrays are empty if the step was not logged.
    """
    steps = logged_steps(layers)
    if not steps:
        return np.empty(0), np.empty(0)
    wanted = {"first": steps[0], "last": steps[-1]}.get(step, step) if isinstance(step, str) else step
    gradient = _gradient(layers)
    chosen = _hidden(layers) & (np.asarray(layers["step"]) == wanted) & ~np.isnan(gradient)
    index = np.flatnonzero(chosen)
    index = index[np.argsort(np.asarray(layers["stage"])[index], kind="stable")]
    return np.asarray(layers["depth"], dtype=float)[index], gradient[index]


_MOMENTS = ("initial", "final")
_FIGURES = ("gradient_ratio", "decay_per_layer", "decay_r2", "dead_fraction", "saturated_fraction")
SIGNAL_FIGURES = frozenset(f"{moment}_{figure}" for moment in _MOMENTS for figure in _FIGURES)
"""The fields of Summary that a layer table alone can tell."""


def signal_figures(layers: Columns) -> dict[str, float]:
    """The figures of Summary that describe the signal, by field name, at the first and the last logged step.

    Unmeasured is NaN; an empty table gives NaN throughout.
    """
    steps = logged_steps(layers)
    figures: dict[str, float] = {}
    for prefix, index in zip(_MOMENTS, (0, -1), strict=True):
        step = steps[index] if steps else -1
        depth, gradient = hidden_gradient(layers, step)
        decay = decay_per_layer(depth, gradient)
        values = (
            gradient_ratio(gradient),
            decay.rho,
            decay.r2,
            _latest_mean(layers, "dead_fraction", step),
            _latest_mean(layers, "saturated_fraction", step),
        )
        figures |= {f"{prefix}_{name}": value for name, value in zip(_FIGURES, values, strict=True)}
    return figures


def _hidden(layers: Columns) -> NDArray[np.bool_]:
    hidden: NDArray[np.bool_] = np.asarray(layers["kind"], dtype=object) == "hidden"
    return hidden


def _gradient(layers: Columns) -> NDArray[Any]:
    broken = np.asarray(layers["nonfinite_activation_gradients"]) > 0
    return np.where(broken, np.inf, np.asarray(layers["activation_gradient_l2"], dtype=float))


def _latest_mean(layers: Columns, column: str, step: int) -> float:
    values, steps = np.asarray(layers[column], dtype=float), np.asarray(layers["step"])
    # NaN is neither saturated nor 0: where activations are no longer finite, such a share is none.
    broken = np.unique(steps[_hidden(layers) & (np.asarray(layers["nonfinite_activations"]) > 0)])
    usable = _hidden(layers) & ~np.isnan(values) & (steps <= step) & ~np.isin(steps, broken)
    if not usable.any():
        return np.nan
    return float(values[usable & (steps == steps[usable].max())].mean())
