"""The gradient through time of one group of recurrent runs, over its seeds, as numbers."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from vgp_bench.errors import ResultsError
from vgp_bench.records.reading import RunRecord
from vgp_bench.records.signal import Columns, Step
from vgp_bench.records.time_signal import last_layer
from vgp_bench.report.series.band import Array, Band, band_of_sizes
from vgp_bench.report.series.depth_profile import relative_to_last
from vgp_bench.report.series.step_words import pick

State = Literal["state_gradient_l2", "cell_gradient_l2"]


class TimeProfile(NamedTuple):
    """band: ||dL/dh_t||_2 (or dL/dc_t) relative to that of the last time step, against the lag. steps: shown ones."""

    band: Band
    steps: list[int]


def probed_steps(times: Columns) -> list[int]:
    """The optimizer steps at which the gradient through time was measured, ascending."""
    return [int(step) for step in np.unique(np.asarray(times["step"]))]


def time_profile(records: Sequence[RunRecord], step: Step, column: State) -> TimeProfile | None:
    """The profile of runs of one config at a probed step; None if none of them measured it then.

    Last layer, read forward, as in Summary. Raises ResultsError if seeds differ in their length.
    """
    curves: list[Array] = []
    steps: set[int] = set()
    lags: Array = np.empty(0)
    for record in records:
        times = record.columns("times")
        wanted = pick(probed_steps(times), step)
        if wanted is None:
            continue
        lag, gradient = last_layer(times, wanted, column)
        if not len(lag) or (column == "cell_gradient_l2" and np.isnan(gradient).all()):
            continue
        if len(lags) and not np.array_equal(lags, lag):
            raise ResultsError(f"{record.path} has other time steps than the runs of its config; run it again")
        lags = lag
        curves.append(relative(gradient))
        steps.add(wanted)
    return TimeProfile(band_of_sizes(lags, curves), sorted(steps)) if curves else None


def relative(gradient: Array) -> Array:
    """The gradients, from lag 0 on, over that of lag 0: the last time step. See relative_to_last."""
    return relative_to_last(gradient[::-1])[::-1]
