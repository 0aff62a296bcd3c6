"""Mean and standard deviation of the activations along depth: the forward half of signal flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vgp_bench.compare import Comparison
from vgp_bench.errors import ResultsError
from vgp_bench.records.signal import Step
from vgp_bench.report.drawing.curves import depth_x, draw_band, logarithmic_y
from vgp_bench.report.drawing.legend import DEPTH_AXIS, explain, seeds_in_words
from vgp_bench.report.drawing.looks import has_dashes, has_markers, looks
from vgp_bench.report.drawing.missing import NO_DEPTH, ONE_STAGE, left_out
from vgp_bench.report.drawing.panels import facet_key, facets, sheet
from vgp_bench.report.drawing.style import drawing
from vgp_bench.report.plots.kind import Kind
from vgp_bench.report.series.moments_profile import moment_steps, moments_profile
from vgp_bench.report.series.step_words import at_step, not_logged

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LABELS = (r"mean of $h_l$", r"standard deviation of $h_l$")


def draw(comparison: Comparison, steps: Sequence[Step]) -> Figure:
    """The mean above, linear, the deviation below, logarithmic; a line a group, in a band over its seeds.

    Groups that differ in architecture get a panel for each architecture. A deviation that is exactly 0 is marked on
    the lower edge; a layer with values that are not finite on the upper edge of both.
    """
    (step,) = steps
    found = [moments_profile(members, step) for members in comparison.members]
    measured = [i for i, moments in enumerate(found) if moments]
    if not measured:
        logged = {s for members in comparison.members for record in members for s in moment_steps(record)}
        none = "no activation was measured in these runs; run them with the monitor on"
        raise ResultsError(not_logged(step, logged) if logged else none)
    shown = [i for i, moments in enumerate(found) if moments and len(moments.deviation.x) > 1]
    if not shown:
        raise ResultsError(NO_DEPTH)
    drawn = [moments for moments in found if moments and len(moments.deviation.x) > 1]
    notes = left_out(comparison, "not measured", [i for i in comparison.groups.index if i not in measured])
    notes += left_out(comparison, ONE_STAGE, [i for i in measured if i not in shown])
    panels, facet = facets(comparison, shown), facet_key(comparison)
    chosen, channels = looks(comparison, facet, shown)
    marked = has_markers(channels) or not has_dashes(channels)  # as in gradient-depth: markers would hide dashes
    with drawing():
        figure, rows = sheet([title for title, _ in panels], DEPTH_AXIS, LABELS, sharey="row")
        for row, axes in enumerate(rows):
            for (_, groups), ax in zip(panels, axes, strict=True):
                ax.axhline(float(row), color="0.6", linewidth=0.8, zorder=1)  # mean 0 and deviation 1 carry best
                for i in groups:
                    if moments := found[i]:
                        draw_band(ax, moments.deviation if row else moments.mean, chosen[i], comparison.name(i), marked)
        deviations = [moments.deviation for moments in drawn]
        logarithmic_y(rows[1], deviations, around=1.0)
        depth_x([ax for axes in rows for ax in axes], max(band.x[-1] for band in deviations))
        when = at_step([s for moments in drawn for s in moments.steps], step)
        seeds = seeds_in_words(deviations, "mean (below: median)")
        bands = [*deviations, *(moments.mean for moments in drawn)]
        explain(figure, f"Activations {when}, {seeds}", channels, bands, notes=notes)
    return figure


KIND = Kind(
    name="activation-moments",
    help="mean and standard deviation of h_l of every layer against its depth, at one step",
    draw=draw,
    tables=("layers",),
    steps=("first",),
)
