"""The gradient along depth of one group of runs, over its seeds, as numbers."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vgp_bench.errors import ResultsError
from vgp_bench.records.reading import RunRecord
from vgp_bench.records.signal import Step, hidden_gradient, logged_steps
from vgp_bench.report.series.band import Array, Band, band_of_sizes


class Profile(NamedTuple):
    """band: ||dL/dh_l||_2 / ||dL/dh_L||_2 against depth, L the last hidden stage. steps: the steps shown."""

    band: Band
    steps: list[int]


def depth_profile(records: Sequence[RunRecord], step: Step) -> Profile | None:
    """The profile of runs of one config at a logged step; None if none of them logged it."""
    curves: list[Array] = []
    steps: list[int] = []
    depth: Array = np.empty(0)
    for record in records:
        layers = record.columns("layers")
        where, gradient = hidden_gradient(layers, step)
        if len(where) == 0:
            continue
        if len(depth) and not np.array_equal(depth, where):
            raise ResultsError(f"{record.path} has other stages than the runs of its config; run it again")
        depth = where
        curves.append(relative_to_last(gradient))
        logged = logged_steps(layers)
        steps.append(logged[0] if step == "first" else logged[-1] if step == "last" else step)
    return Profile(band_of_sizes(depth, curves), sorted(set(steps))) if curves else None


def relative_to_last(gradient: Array) -> Array:
    """The norms of stages (first axis, in depth order) over that of the last one.

    An exact 0 stays 0, also where the last one is 0 too; no quotient (by 0, or by a norm that is not finite) is
    infinite. NaN, not measured, stays NaN.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        relative: Array = gradient / gradient[-1]
    relative[np.isfinite(gradient) & np.isinf(np.broadcast_to(gradient[-1], gradient.shape))] = np.inf
    relative[np.isinf(gradient)] = np.inf
    relative[gradient == 0] = 0.0
    return relative
