"""The gradient norm through time: how far back a recurrent network hears of its mistake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

from vgp_bench.compare import Comparison
from vgp_bench.errors import ResultsError
from vgp_bench.records.signal import Step
from vgp_bench.report.drawing.curves import draw_band, logarithmic_y
from vgp_bench.report.drawing.legend import explain, seeds_in_words
from vgp_bench.report.drawing.looks import has_markers, looks
from vgp_bench.report.drawing.missing import left_out
from vgp_bench.report.drawing.panels import sheet
from vgp_bench.report.drawing.style import drawing
from vgp_bench.report.plots.kind import Kind
from vgp_bench.report.series.step_words import at_step, not_logged
from vgp_bench.report.series.time_profile import State, TimeProfile, probed_steps, time_profile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LAG_AXIS = "lag (time steps before the last one; end of the sequence on the right)"
NAMES = {
    "state_gradient_l2": r"$\Vert\partial L/\partial h_t\Vert_2$",
    "cell_gradient_l2": r"$\Vert\partial L/\partial c_t\Vert_2$ (LSTM cell)",
}


def draw(comparison: Comparison, steps: Sequence[Step]) -> Figure:
    """A line a group, all architectures in one panel, the median over seeds, in a band from the least to the greatest.

    A row for h_t and, where one was measured, one for the cell of LSTMs; at two steps two of each. Relative to the last
    time step. Exact zeros are marked on the lower edge, what is not finite on the upper one.
    """
    rows: list[tuple[Step, State, list[TimeProfile | None]]] = []
    for column in get_args(State):
        for step in steps:
            profiles = [time_profile(members, step, column) for members in comparison.members]
            if any(profiles):
                rows.append((step, column, profiles))
            elif column == "state_gradient_l2":
                raise ResultsError(nothing_to_draw(comparison, step))
    groups = list(comparison.groups.index)
    shown = [i for i in groups if any(profiles[i] for _, _, profiles in rows)]
    chosen, channels = looks(comparison, None, shown)
    notes = left_out(comparison, "not measured", [i for i in groups if i not in shown])
    bands = [profile.band for _, _, profiles in rows for profile in profiles if profile]
    with drawing():
        moments = [at_step([s for one in profiles if one for s in one.steps], step) for step, _, profiles in rows]
        labels = [
            NAMES[column] + ("" if len(steps) == 1 else f"\n{moment}")
            for (_, column, _), moment in zip(rows, moments, strict=True)
        ]
        figure, panels = sheet([""], LAG_AXIS, labels)
        for (_, _, profiles), (ax,) in zip(rows, panels, strict=True):
            ax.axhline(1.0, color="0.6", linewidth=0.8, zorder=1)
            for i, profile in enumerate(profiles):
                if profile:
                    draw_band(ax, profile.band, chosen[i], comparison.name(i), marked=has_markers(channels))
        axes = [ax for (ax,) in panels]
        logarithmic_y(axes, bands, around=1.0)
        lag_x(axes, max(band.x[-1] for band in bands))
        when = moments[0] if len(steps) == 1 else ""
        title = f"Gradient through time {when}".strip()
        title = f"{title}, relative to the last time step, {seeds_in_words(bands, 'median')}"
        explain(figure, title, channels, bands, notes=notes)
    return figure


def lag_x(axes: Sequence[Axes], longest: float) -> None:
    """Lags from the longest on the left to 0 on the right: time runs from left to right, and lengths can differ."""
    from matplotlib.ticker import MaxNLocator

    for ax in axes:
        ax.set_xlim(max(longest, 1) * 1.02, -0.02 * max(longest, 1))
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def nothing_to_draw(comparison: Comparison, step: Step) -> str:
    """Why no run has a gradient through time at this step, and which steps there are."""
    runs = [run for members in comparison.members for run in members]
    probed = {found for run in runs for found in probed_steps(run.columns("times"))}
    if not probed:
        return "no gradient through time in these runs: it is measured in recurrent networks with the monitor on"
    return not_logged(step, probed, "probed")


KIND = Kind(
    name="gradient-time",
    help="||dL/dh_t|| of recurrent networks against the lag, and ||dL/dc_t|| of LSTMs",
    draw=draw,
    tables=("times",),
    steps=("first",),
    most_steps=2,
)
