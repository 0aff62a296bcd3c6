"""Accuracy against depth: does a deeper net still learn? With and without shortcuts, the picture of He et al. 2015."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vgp_bench.compare import Comparison
from vgp_bench.records.signal import Step
from vgp_bench.report.drawing.guides import guide, percent_y
from vgp_bench.report.drawing.legend import explain
from vgp_bench.report.drawing.looks import looks
from vgp_bench.report.drawing.missing import BACKGROUND, left_out
from vgp_bench.report.drawing.panels import sheet
from vgp_bench.report.drawing.style import Look, drawing, plain
from vgp_bench.report.plots.kind import Kind
from vgp_bench.report.series.depth_series import DEPTH, Series, accuracy_shown, depth_series
from vgp_bench.report.series.learning_curves import chance_levels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOST: Any = "X"
"""Marks runs that did not complete, on the lower edge."""

MOST_ASIDE = 20.0
"""Points between the outermost lines at one depth."""

CLOSE = 40
"""Where all accuracies are this much (in percent) above chance, the axis is cut below them."""


def draw(comparison: Comparison, steps: Sequence[Step]) -> Figure:
    """A line for each setting of all other keys, architecture among them: the mean over the completed runs, one a seed,
    with its 95 % t interval (two seeds: their range). How many runs did not complete stands on the lower edge.
    """
    shown = accuracy_shown(comparison)
    series, without = depth_series(comparison, shown)
    members = [record for group in comparison.members for record in group]
    chance = [100 * level for level in chance_levels(members, "chance_accuracy")]
    chosen, channels = looks(comparison, DEPTH, [i for i in comparison.groups.index if i not in without])
    notes = left_out(comparison, "no depth", without)
    with drawing():
        name = shown.replace("_", " ")
        figure, ((ax,),) = sheet([""], "depth (architecture.depth)", [f"{name}, %"])
        lost: dict[float, int] = {}  # how many lines of text each depth has
        for number, one in enumerate(series):
            _line(
                figure,
                ax,
                one,
                chosen[one.group],
                (number - (len(series) - 1) / 2) * min(3.0, MOST_ASIDE / len(series)),
            )
            for point in one.points:
                if point.lost:
                    _tell_lost(ax, point.depth, lost.get(point.depth, 0), point.lost, chosen[one.group])
                    lost[point.depth] = lost.get(point.depth, 0) + 1
        others = _vertical(ax, series, chance)
        depths = [point.depth for one in series for point in one.points]
        room = 0.06 * (max(depths) - min(depths))
        ax.set_xlim(min(depths) - room, max(depths) + (3 * room if lost else room))
        ax.set_xticks(_ticks(depths))
        explain(figure, f"{name.capitalize()} against depth, {_seeds(series)}", channels, others=others, notes=notes)
    return figure


def _line(figure: Figure, ax: Axes, one: Series, look: Look, aside: float) -> None:
    """aside: how far to the right of its depth, in points, so that intervals at one depth do not hide each other."""
    from matplotlib.transforms import offset_copy

    known = [(point.depth, point.accuracy) for point in one.points if point.accuracy.n]
    if not known:
        return
    mean = np.array([estimate.mean for _, estimate in known])
    bars = np.array([[estimate.mean - estimate.low, estimate.high - estimate.mean] for _, estimate in known]).T
    curve, _, _ = ax.errorbar(
        [depth for depth, _ in known],
        mean,
        yerr=np.nan_to_num(bars),  # a single seed has no interval
        color=look.colour,
        linestyle=look.line,
        marker=look.marker,
        markersize=4,
        linewidth=1.4,
        elinewidth=1,
        capsize=3,
        transform=offset_copy(ax.transData, figure, x=aside, units="points"),
    )
    curve.set(label=one.name, gid="curve")


def _tell_lost(ax: Axes, depth: float, line: int, text: str, look: Look) -> None:
    height = 0.03 + 0.05 * line
    ax.plot(
        [depth], [height], marker=LOST, color=look.colour, markersize=5, transform=ax.get_xaxis_transform(), gid="lost"
    )
    place: dict[str, Any] = {
        "xytext": (5, 0),
        "textcoords": "offset points",
        "va": "center",
        "fontsize": 7,
        "color": look.colour,
    }
    ax.annotate(plain(text), (depth, height), xycoords=ax.get_xaxis_transform(), gid="lost", bbox=BACKGROUND, **place)


def _vertical(ax: Axes, series: Sequence[Series], chance: Sequence[float]) -> list[Any]:
    """The vertical axis; what the legend has to say of chance."""
    from matplotlib.lines import Line2D

    estimates = [point.accuracy for one in series for point in one.points if point.accuracy.n]
    lows = [np.nanmin([estimate.low, estimate.mean]) for estimate in estimates]
    levels = " and ".join(f"{level:.3g}" for level in chance)
    if chance and min(lows) - max(chance) > CLOSE:
        low = 5 * np.floor(min(lows) / 5)
        room = 0.12 * (100 - low)  # for the marks of runs that did not complete
        ax.set_ylim(low - room, 100 + room / 4)
        return [Line2D([], [], linestyle="none", label=f"chance: {levels} %, below the axis")]
    percent_y([ax])
    drawn = [guide(ax, level, f"chance: {levels} %") for level in chance]
    return drawn[:1]


def _ticks(depths: Sequence[float]) -> list[float]:
    """The depths there are; of many, those far enough from each other for their numbers to fit."""
    chosen: list[float] = []
    apart = (max(depths) - min(depths)) / 18
    for depth in sorted(set(depths)):
        if not chosen or depth - chosen[-1] >= apart:
            chosen.append(depth)
    return chosen


def _seeds(series: Sequence[Series]) -> str:
    counts = sorted({point.accuracy.n for one in series for point in one.points if point.accuracy.n})
    if counts == [1]:
        return "one seed"
    many = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    what = "mean and range" if counts[-1] == 2 else "mean and 95 % interval"
    return f"{what} of {many} seeds"


KIND = Kind(
    name="accuracy-depth",
    help="test accuracy against architecture.depth, plain and residual nets in one panel",
    draw=draw,
    tables=(),
)
