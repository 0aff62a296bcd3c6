"""One figure of the layer table over depth and step: of one run, and of the seeds of one config together."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vgp_bench.errors import ResultsError
from vgp_bench.records.signal import Columns
from vgp_bench.report.series.band import Array


class StageSteps(NamedTuple):
    """depth: weight layers from the input, (stages,); steps: the logged ones, ascending, (steps,); values: (stages,
    steps), NaN where nothing was measured, infinite where what was measured is not finite."""

    depth: Array
    steps: Array
    values: Array


class OverSeeds(NamedTuple):
    """middle: (stages, steps), geometric mean of the seeds that are positive and finite, NaN where there is none.
    zero, broken: where at least one seed is exactly 0, or not finite. seeds: how many runs went in."""

    depth: Array
    steps: Array
    middle: Array
    zero: NDArray[np.bool_]
    broken: NDArray[np.bool_]
    seeds: int


def stage_steps(layers: Columns, values: ArrayLike, output: bool = False) -> StageSteps:
    """Arranges a column of a layer table, one value a row, by stage and step.

    output: with the classifier, which is left out otherwise. A step at which no stage was measured is left out.
    """
    figures = np.asarray(values, dtype=float)
    chosen = np.full(len(figures), True) if output else np.asarray(layers["kind"], dtype=object) == "hidden"
    stages, first, row = np.unique(np.asarray(layers["stage"])[chosen], return_index=True, return_inverse=True)
    steps, column = np.unique(np.asarray(layers["step"])[chosen], return_inverse=True)
    table = np.full((len(stages), len(steps)), np.nan)
    table[row, column] = figures[chosen]
    measured = ~np.isnan(table).all(axis=0)
    depth = np.asarray(layers["depth"], dtype=float)[chosen][first]
    return StageSteps(depth, steps[measured].astype(float), table[:, measured])


def over_seeds(runs: Sequence[StageSteps]) -> OverSeeds | None:
    """The runs of one config together, None if nothing was measured in any of them.

    Runs may have logged different steps, say because one ended early: a step is the mean of those that logged it. A
    stage that no run measured is left out. Raises ResultsError if the runs have different stages.
    """
    runs = [run for run in runs if len(run.steps)]
    if not runs:
        return None
    depth = runs[0].depth
    if any(not np.array_equal(run.depth, depth) for run in runs):
        raise ResultsError("runs of one config have different stages; run them again")
    steps = np.unique(np.concatenate([run.steps for run in runs]))
    every = np.full((len(runs), len(depth), len(steps)), np.nan)
    for sheet, run in zip(every, runs, strict=True):
        sheet[:, np.searchsorted(steps, run.steps)] = run.values
    usable = np.isfinite(every) & (every > 0)
    count = usable.sum(axis=0)
    logarithms = np.log(np.where(usable, every, 1.0)).sum(axis=0)
    middle = np.where(count > 0, np.exp(logarithms / np.maximum(count, 1)), np.nan)
    zero, broken = (every == 0).any(axis=0), np.isinf(every).any(axis=0)
    kept = (count > 0).any(axis=1) | zero.any(axis=1) | broken.any(axis=1)
    return OverSeeds(depth[kept], steps, middle[kept], zero[kept], broken[kept], len(runs))


def edges(points: Array) -> Array:
    """Borders of cells around ascending points: half-way between neighbours, and as far beyond the ends, at most 0.5.

    (n,) to (n + 1,). Every place between the borders then belongs to the point that is nearest to it.
    """
    half = np.diff(points) / 2
    before, after = (min(half[0], 0.5), min(half[-1], 0.5)) if len(half) else (0.5, 0.5)
    return np.concatenate([[points[0] - before], points[:-1] + half, [points[-1] + after]])


def evenly(count: int, most: int) -> list[int]:
    """At most `most` of the numbers from 0 to count - 1, evenly spaced, the first and the last among them."""
    return [int(i) for i in np.unique(np.linspace(0, count - 1, min(count, most)).round())]
