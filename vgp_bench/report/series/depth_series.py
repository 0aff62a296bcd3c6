"""Accuracy against depth: one series for each setting of all other keys, as numbers."""

import math
from typing import Literal, NamedTuple, get_args

from vgp_bench.compare import Comparison, Estimate, estimate
from vgp_bench.errors import ResultsError

DEPTH = "architecture.depth"

Accuracy = Literal["test_accuracy", "validation_accuracy"]


class Point(NamedTuple):
    """Runs of one config. accuracy: in percent, over the completed ones; n is 0 if there are none.

    seeds: runs, one a seed; of these diverged, and unfinished (failed, interrupted or still running).
    """

    depth: float
    accuracy: Estimate
    seeds: int
    diverged: int
    unfinished: int

    @property
    def lost(self) -> str:
        """`2 of 3 diverged`; empty if all completed."""
        counts = [(self.diverged, "diverged"), (self.unfinished, "unfinished")]
        told = ", ".join(f"{count} {word}" for count, word in counts if count)
        return told.replace(" ", f" of {self.seeds} ", 1)


class Series(NamedTuple):
    """name: the settings other than depth; group: one that looks like this series; points: from shallow to deep."""

    name: str
    group: int
    points: list[Point]


def accuracy_shown(comparison: Comparison) -> Accuracy:
    """The accuracy on test data where any run has it, else on validation data. Raises ResultsError if none has any."""
    for figure in get_args(Accuracy):
        if any(_accuracy(comparison, i, figure).n for i in comparison.groups.index):
            return figure  # type: ignore[no-any-return]
    raise ResultsError("no completed run has an accuracy on test or validation data: nothing to draw against depth")


def depth_series(comparison: Comparison, figure: Accuracy) -> tuple[list[Series], list[int]]:
    """The series, and the groups that have no depth. Raises ResultsError if all depths are equal."""
    if DEPTH not in comparison.settings:
        raise ResultsError(f"all these runs have the same {DEPTH}; name runs of two depths at least")
    others = [key for key in comparison.settings if key != DEPTH]
    series: dict[tuple[str, ...], Series] = {}
    without = []
    for i, (_, row) in enumerate(comparison.groups.iterrows()):
        if isinstance(row[DEPTH], bool) or not isinstance(row[DEPTH], (int, float)):
            without.append(i)
            continue
        name = ", ".join(f"{key}={row[key]}" for key in others if row[key] is not None) or "all runs"
        states = [record.state for record in comparison.members[i]]
        completed, diverged = states.count("completed"), states.count("diverged")
        point = Point(
            depth=float(row[DEPTH]),
            accuracy=_accuracy(comparison, i, figure),
            seeds=len(states),
            diverged=diverged,
            unfinished=len(states) - completed - diverged,
        )
        series.setdefault(tuple(str(row[key]) for key in others), Series(name, i, [])).points.append(point)
    for one in series.values():
        one.points.sort(key=lambda point: point.depth)
    return list(series.values()), without


def _accuracy(comparison: Comparison, group: int, figure: Accuracy) -> Estimate:
    summaries = [record.summary for record in comparison.members[group] if record.state == "completed"]
    return estimate(100 * getattr(summary, figure) if summary else math.nan for summary in summaries)
