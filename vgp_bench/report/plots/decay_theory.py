"""Decay per layer at initialization: measured against what theory predicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vgp_bench.compare import Comparison
from vgp_bench.errors import ResultsError
from vgp_bench.plural import plural
from vgp_bench.records.signal import FEWEST_STAGES, Step
from vgp_bench.report.drawing.legend import explain
from vgp_bench.report.drawing.log_axis import logarithmic
from vgp_bench.report.drawing.looks import COLOUR, Channel, has_markers, looks
from vgp_bench.report.drawing.panels import sheet
from vgp_bench.report.drawing.style import GREY, LINES, MARKERS, Look, drawing, plain
from vgp_bench.report.plots.kind import Kind
from vgp_bench.report.series.depth_series import DEPTH
from vgp_bench.report.series.theory_points import TheoryPoint, theory_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TOLERANCE = 0.05
"""Half width of the band around the prediction: what a width of some hundred units leaves open."""

HEIGHT = 4.8
"""Inches: legend and words below leave the panel high enough to tell 5 %."""

X_LABEL = "predicted decay per layer"
Y_LABEL = "measured decay per layer at initialization"
SHALLOW = f"under {FEWEST_STAGES} hidden layers"


def draw(comparison: Comparison, steps: Sequence[Step]) -> Figure:
    """A point a group, the geometric mean over seeds with its interval; on the line where theory and network agree.

    Below 1 the gradient vanishes, above 1 it explodes. Groups without a closed form are named below.
    """
    points, without = theory_points(comparison)
    if not points:
        raise ResultsError(f"nothing to compare with theory: {'; '.join(sorted(set(without.values())))}")
    # The factor is one per layer: depth tells nothing but whether the point has settled.
    chosen, channels = looks(comparison, DEPTH, [point.group for point in points])
    sized = has_markers(channels)
    with drawing():
        figure, ((ax,),) = sheet([""], X_LABEL, [Y_LABEL])
        figure.set_figheight(HEIGHT)
        lowest, highest = _limits(points)
        x = np.array([lowest / 2, highest * 2])
        ax.fill_between(x, (1 - TOLERANCE) * x, (1 + TOLERANCE) * x, color="0.88", linewidth=0, gid="tolerance")
        (identity,) = ax.plot(x, x, color=GREY, linewidth=0.8, label=f"equal ± {100 * TOLERANCE:.0f} %")
        identity.set_gid("identity")
        for point in points:
            _draw_point(ax, point, _mark(chosen[point.group], sized), comparison.name(point.group))
        logarithmic(ax, "x", lowest, highest)
        logarithmic(ax, "y", lowest, highest)
        shallow = [_handle({"marker": "o", "fillstyle": "none"}, SHALLOW)] if any(p.shallow for p in points) else []
        others = [*_legend(channels), identity, *shallow]
        title = f"Decay per layer at initialization: theory and measurement, {_seeds(points)}"
        explain(figure, title, [], others=others, notes=_told(without))
    return figure


def _limits(points: Sequence[TheoryPoint]) -> tuple[float, float]:
    values = [value for p in points for value in (p.predicted, p.measured.mean, p.measured.low, p.measured.high)]
    positive = [value for value in values if np.isfinite(value) and value > 0]
    return min(positive) / 1.15, max(positive) * 1.15


def _draw_point(ax: Axes, point: TheoryPoint, mark: dict[str, Any], name: str) -> None:
    mean, low, high = point.measured[1:]
    bars = np.nan_to_num([[mean - low], [high - mean]], posinf=0.0)  # a single seed has no interval
    filled = {"markerfacecolor": "none"} if point.shallow else {}
    style: dict[str, Any] = {
        "linestyle": "none",
        "markersize": 5,
        "elinewidth": 1,
        "capsize": 3,
        "zorder": 4 if point.shallow else 3,
    }
    marker, _, _ = ax.errorbar([point.predicted], [mean], yerr=bars, **(style | mark | filled))
    marker.set(label=name, gid="point")


def _mark(look: Look, sized: bool) -> dict[str, Any]:
    """A point has no dash: the second key takes the marker, and a third the size."""
    second = MARKERS[LINES.index(look.line)]
    if not sized:
        return {"color": look.colour, "marker": second}
    return {"color": look.colour, "marker": second, "markersize": 4 + 2 * MARKERS.index(look.marker)}


def _legend(channels: Sequence[Channel]) -> list[Any]:
    """A handle for each value."""
    handles = []
    for channel in channels:
        for label, look in channel.looks.items():
            colour = {} if channel.place == COLOUR else {"color": GREY}
            handles.append(_handle(_mark(look, has_markers(channels)) | colour, label))
    return handles


def _handle(mark: Mapping[str, Any], label: str) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], label=plain(label), **{"linestyle": "none", "color": GREY, "markersize": 5, **mark})


def _told(without: Mapping[int, str]) -> list[str]:
    """A line for each reason, with the number of groups."""
    reasons = dict.fromkeys(without.values())
    counts = {reason: sum(other == reason for other in without.values()) for reason in reasons}
    return [f"{reason} ({plural(count, 'group')})" for reason, count in counts.items()]


def _seeds(points: Sequence[TheoryPoint]) -> str:
    counts = sorted({point.measured.n for point in points})
    if counts == [1]:
        return "one seed"
    return f"geometric mean of {counts[0] if len(counts) == 1 else f'{counts[0]} to {counts[-1]}'} seeds"


KIND = Kind(
    name="decay-theory",
    help="decay per layer at initialization, measured against the closed form where there is one",
    draw=draw,
    tables=("layers",),
)
