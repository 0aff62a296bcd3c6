"""The gradient along depth of one group of runs, over its seeds, as numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgp_bench.errors import ResultsError
from vgp_bench.records.reading import RunRecord
from vgp_bench.records.signal import Step, hidden_gradient, logged_steps

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Profile:
    """||dL/dh_l||_2 / ||dL/dh_L||_2, L the last hidden stage; arrays over hidden stages, input first.

    middle, low, high: median (of logarithms), least and greatest over the seeds; 0 where all seeds are exactly 0;
    NaN where a value is not finite. zero, broken: stages where the gradient of at least one seed is exactly 0, or
    not finite. steps: the steps shown.
    """

    depth: Array
    middle: Array
    low: Array
    high: Array
    zero: NDArray[np.bool_]
    broken: NDArray[np.bool_]
    seeds: int
    steps: list[int]


def depth_profile(records: Sequence[RunRecord], step: Step) -> Profile | None:
    """The profile of runs of one config at a logged step; None if none of them logged it."""
    gradients, steps = [], []
    depth: Array = np.empty(0)
    for record in records:
        layers = record.columns("layers")
        where, gradient = hidden_gradient(layers, step)
        if len(where) == 0:
            continue
        if len(depth) and not np.array_equal(depth, where):
            raise ResultsError(f"{record.path} has other stages than the runs of its config; run it again")
        depth = where
        gradients.append(gradient)
        logged = logged_steps(layers)
        steps.append(logged[0] if step == "first" else logged[-1] if step == "last" else step)
    if not gradients:
        return None
    g = np.stack(gradients)  # (seeds, stages)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = g / g[:, -1:]
    zero: NDArray[np.bool_] = g == 0  # also where the last gradient is 0 too, and the quotient unknown
    relative[zero] = 0.0
    broken = ~np.isfinite(relative)
    relative[broken] = np.nan
    return Profile(
        depth,
        np.array([_median(column) for column in relative.T]),
        np.array([_extreme(np.min, column) for column in relative.T]),
        np.array([_extreme(np.max, column) for column in relative.T]),
        np.asarray(zero.any(axis=0)),
        np.asarray(broken.any(axis=0)),
        len(g),
        sorted(set(steps)),
    )


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


def _extreme(choose: Any, values: Array) -> float:
    # The band is drawn on a logarithmic axis: it spans the positive values, zeros get marks of their own.
    x = values[values > 0]
    return float(choose(x)) if len(x) else np.nan
