"""Distribution of h_l over the probe set of one group of runs, from the bins of their histograms, as numbers."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vgp_bench.errors import ResultsError
from vgp_bench.records.reading import RunRecord
from vgp_bench.records.signal import Step
from vgp_bench.report.series.band import Array
from vgp_bench.report.series.step_words import pick

THIN = 0.005
"""Share of the greatest density below which a tail cannot be seen."""


class Density(NamedTuple):
    """The values of one layer, those of all seeds together.

    depth: weight layers from the input. borders, (n + 1,) ascending, and heights, (n,): density of the values that
    are not exactly 0, relative to its greatest; both empty if there are none. zeros: share of all values that are
    exactly 0; constants: values that all others of a seed have, if they are equal; nonfinite: share of all that are
    NaN or infinite.
    """

    depth: float
    borders: Array
    heights: Array
    zeros: float
    constants: Array
    nonfinite: float

    def visible(self) -> tuple[float, float]:
        """From where to where the density is not too thin to be seen; NaN for a layer without one."""
        seen = np.flatnonzero(self.heights >= THIN)
        places = np.concatenate([self.borders[seen[:1]], self.borders[seen[-1:] + 1], self.constants])
        return (float(places.min()), float(places.max())) if len(places) else (np.nan, np.nan)


class Densities(NamedTuple):
    """layers: from input to output; steps: the steps shown; seeds: how many runs went in."""

    layers: list[Density]
    steps: list[int]
    seeds: int


def densities(records: Sequence[RunRecord], step: Step) -> Densities | None:
    """The hidden stages of runs of one config at a probed step; None if none of them was probed at it."""
    bins: dict[int, list[Array]] = {}
    depths: dict[int, float] = {}
    steps = []
    for record in records:
        table = record.columns("histograms")
        chosen = pick(probed_steps(record), step)
        if chosen is None:
            continue
        steps.append(chosen)
        here = (np.asarray(table["step"]) == chosen) & (np.asarray(table["kind"], dtype=object) == "hidden")
        stages = np.asarray(table["stage"])
        for stage in np.unique(stages[here]):
            rows = here & (stages == stage)
            depth = float(table["depth"][rows][0])
            if depths.setdefault(int(stage), depth) != depth:
                raise ResultsError(f"{record.path} has other stages than the runs of its config; run it again")
            found = np.stack([np.asarray(table[name], dtype=float)[rows] for name in ("lower", "upper", "count")])
            bins.setdefault(int(stage), []).append(found)
    if not steps:
        return None
    layers = [density(depths[stage], np.concatenate(bins[stage], axis=1)) for stage in sorted(bins)]
    return Densities(layers, sorted(set(steps)), len(steps))


def density(depth: float, bins: Array) -> Density:
    """bins: (3, n), lower and upper edge and count, of one histogram or of several that may overlap."""
    lower, upper, count = bins
    total = count.sum()
    points, wide = lower == upper, upper > lower
    borders = np.unique(np.concatenate([lower[wide], upper[wide]]))
    heights = np.zeros(max(len(borders) - 1, 0))
    for low, high, n in zip(lower[wide], upper[wide], count[wide], strict=True):
        heights[np.searchsorted(borders, low) : np.searchsorted(borders, high)] += n / (high - low)
    return Density(
        depth,
        borders,
        heights / heights.max() if heights.any() else heights,
        float(count[points & (lower == 0)].sum() / total),
        np.unique(lower[points & (lower != 0)]),
        float(count[np.isnan(lower)].sum() / total),
    )


def probed_steps(record: RunRecord) -> list[int]:
    """The steps at which a run took histograms, ascending; none for a run recorded before there were any."""
    return [int(step) for step in np.unique(record.columns("histograms")["step"])]
