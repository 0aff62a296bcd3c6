"""Mean and standard deviation of h_l along depth of one group of runs, over its seeds, as numbers."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vgp_bench.errors import ResultsError
from vgp_bench.records.reading import RunRecord
from vgp_bench.records.signal import Step
from vgp_bench.report.series.band import Array, Band, band_of_shares, band_of_sizes
from vgp_bench.report.series.stage_steps import StageSteps, stage_steps
from vgp_bench.report.series.step_words import pick


class Moments(NamedTuple):
    """mean: arithmetic mean and range over the seeds; deviation: their median and range; both against depth.
    steps: the steps shown."""

    mean: Band
    deviation: Band
    steps: list[int]


def moments_profile(records: Sequence[RunRecord], step: Step) -> Moments | None:
    """Moments of the hidden stages of runs of one config at a logged step; None if none of them logged it.

    Both count as not finite where a value of h_l was not: what was recorded describes the others.
    """
    means: list[Array] = []
    deviations: list[Array] = []
    steps: list[int] = []
    depth: Array = np.empty(0)
    for record in records:
        mean, deviation = _of_run(record)
        logged = [int(s) for s in deviation.steps]
        chosen = pick(logged, step)
        if chosen is None:
            continue
        if len(depth) and not np.array_equal(depth, deviation.depth):
            raise ResultsError(f"{record.path} has other stages than the runs of its config; run it again")
        depth = deviation.depth
        means.append(mean.values[:, list(mean.steps).index(chosen)])
        deviations.append(deviation.values[:, logged.index(chosen)])
        steps.append(chosen)
    if not steps:
        return None
    return Moments(band_of_shares(depth, means), band_of_sizes(depth, deviations), sorted(set(steps)))


def moment_steps(record: RunRecord) -> list[int]:
    """The steps at which a run measured the moments, ascending."""
    return [int(step) for step in _of_run(record)[1].steps]


def _of_run(record: RunRecord) -> tuple[StageSteps, StageSteps]:
    layers = record.columns("layers")
    broken = np.asarray(layers["nonfinite_activations"]) > 0
    mean, deviation = (
        stage_steps(layers, np.where(broken, np.inf, layers[name])) for name in ("activation_mean", "activation_std")
    )
    return mean, deviation
