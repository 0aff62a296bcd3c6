"""The gradient norm along depth: the picture of the vanishing gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vgp_bench.compare import Comparison
from vgp_bench.errors import ResultsError
from vgp_bench.records.signal import Step, logged_steps
from vgp_bench.report.drawing.curves import depth_x, draw_band, logarithmic_y
from vgp_bench.report.drawing.legend import DEPTH_AXIS, explain, seeds_in_words
from vgp_bench.report.drawing.panels import facet_key, facets, sheet, tell_missing
from vgp_bench.report.drawing.step_words import at_step, not_logged
from vgp_bench.report.drawing.style import drawing, looks, words
from vgp_bench.report.plots.kind import Kind
from vgp_bench.report.series.depth_profile import Profile, depth_profile

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
    drawn = [profile for found in profiles for profile in found if profile]
    if all(len(profile.band.x) < 2 for profile in drawn):
        raise ResultsError(
            "these networks have one hidden stage each, and nothing changes along depth; "
            "for recurrent ones: vgp-bench plot gradient-time"
        )
    panels, facet = facets(comparison), facet_key(comparison)
    chosen, channels = looks(comparison, facet)
    # Markers would hide the dashes of a line; without dashes they show where the stages are.
    marked = len(channels) != 2
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
                    else:
                        tell_missing(ax, f"not measured: {words(comparison, i, facet)}")
        every = [ax for axes in rows for ax in axes]
        bands = [profile.band for profile in drawn]
        logarithmic_y(every, bands, around=1.0)
        depth_x(every, max(band.x[-1] for band in bands))
        when = f"Gradient {moments[0]}" if len(steps) == 1 else SEVERAL
        explain(figure, f"{when}, {seeds_in_words(bands, 'median')}", channels, bands)
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
    steps=("first",),
    most_steps=4,
)
