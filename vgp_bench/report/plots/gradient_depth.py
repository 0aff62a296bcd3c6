"""The gradient norm along depth: the picture of the vanishing gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vgp_bench.compare import Comparison
from vgp_bench.errors import ResultsError
from vgp_bench.records.signal import Step, logged_steps
from vgp_bench.report.drawing.curves import depth_x, draw_band, logarithmic_y
from vgp_bench.report.drawing.legend import DEPTH_AXIS, explain, seeds_in_words
from vgp_bench.report.drawing.looks import has_dashes, has_markers, looks
from vgp_bench.report.drawing.missing import NO_DEPTH, ONE_STAGE, left_out
from vgp_bench.report.drawing.panels import facet_key, facets, sheet
from vgp_bench.report.drawing.style import drawing
from vgp_bench.report.plots.kind import Kind
from vgp_bench.report.series.depth_profile import Profile, depth_profile
from vgp_bench.report.series.step_words import at_step, not_logged

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Y_LABEL = r"$\Vert\partial L/\partial h_l\Vert_2$ relative to the last hidden stage"
SEVERAL = r"Gradient $\Vert\partial L/\partial h_l\Vert_2$ relative to the last hidden stage"


def draw(comparison: Comparison, steps: Sequence[Step]) -> Figure:
    """A line a group, the median over seeds, in a band from the least to the greatest seed.

    Groups that differ in architecture get a panel for each architecture, several steps a row of panels each. Exact
    zeros, which a logarithmic axis cannot show, are marked on its lower edge; non-finite gradients on the upper edge.
    """
    profiles = [[depth_profile(members, step) for members in comparison.members] for step in steps]
    for step, found in zip(steps, profiles, strict=True):
        if not any(found):
            raise ResultsError(nothing_to_draw(comparison, step))
    groups = list(comparison.groups.index)
    measured = [i for i in groups if any(found[i] for found in profiles)]
    shown = [i for i in measured if any(p and len(p.band.x) > 1 for p in (found[i] for found in profiles))]
    if not shown:
        raise ResultsError(NO_DEPTH)
    drawn = [found[i] for found in profiles for i in shown]
    notes = left_out(comparison, "not measured", [i for i in groups if i not in measured])
    notes += left_out(comparison, ONE_STAGE, [i for i in measured if i not in shown])
    panels, facet = facets(comparison, shown), facet_key(comparison)
    chosen, channels = looks(comparison, facet, shown)
    # Markers would hide the dashes of a line; without dashes they show where the stages are.
    marked = has_markers(channels) or not has_dashes(channels)
    with drawing():
        moments = [_when([p for p in found if p], step) for found, step in zip(profiles, steps, strict=True)]
        labels = (
            [Y_LABEL] if len(steps) == 1 else [moment.removeprefix("at ").removeprefix("the ") for moment in moments]
        )
        figure, rows = sheet([title for title, _ in panels], DEPTH_AXIS, labels)
        for found, axes in zip(profiles, rows, strict=True):
            for (_, groups), ax in zip(panels, axes, strict=True):
                ax.axhline(1.0, color="0.6", linewidth=0.8, zorder=1)
                for i in groups:
                    if profile := found[i]:
                        draw_band(ax, profile.band, chosen[i], comparison.name(i), marked)
        for step, found in zip(steps, profiles, strict=True):
            notes += left_out(comparison, f"not logged at step {step}", [i for i in shown if not found[i]])
        every = [ax for axes in rows for ax in axes]
        bands = [profile.band for profile in drawn if profile]
        logarithmic_y(every, bands, around=1.0)
        depth_x(every, max(band.x[-1] for band in bands))
        when = f"Gradient {moments[0]}" if len(steps) == 1 else SEVERAL
        explain(figure, f"{when}, {seeds_in_words(bands, 'median')}", channels, bands, notes=notes)
    return figure


def _when(profiles: Sequence[Profile], step: Step) -> str:
    return at_step([s for profile in profiles for s in profile.steps], step)


def nothing_to_draw(comparison: Comparison, step: Step) -> str:
    """Why no run has a gradient at this step, and which steps there are."""
    logged = sorted(
        {s for members in comparison.members for run in members for s in logged_steps(run.columns("layers"))}
    )
    if not logged:
        return "no gradient was measured in these runs; run them with the monitor on"
    return not_logged(step, logged)


KIND = Kind(
    name="gradient-depth",
    help="||dL/dh_l|| of every layer against its depth, at one step or several",
    draw=draw,
    tables=("layers",),
    steps=("first",),
    most_steps=4,
)
