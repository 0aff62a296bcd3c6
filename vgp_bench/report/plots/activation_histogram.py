"""The distribution of the activations layer by layer: where they saturate, die or spread (Glorot & Bengio 2010)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vgp_bench.compare import Comparison
from vgp_bench.errors import ResultsError
from vgp_bench.records.signal import Step
from vgp_bench.report.drawing.legend import explain
from vgp_bench.report.drawing.missing import left_out
from vgp_bench.report.drawing.panels import group_titles, sheet
from vgp_bench.report.drawing.ridges import draw_ridges, explain_ridges
from vgp_bench.report.drawing.style import drawing
from vgp_bench.report.plots.kind import Kind
from vgp_bench.report.series.densities import densities, probed_steps
from vgp_bench.report.series.part import part
from vgp_bench.report.series.stage_steps import evenly
from vgp_bench.report.series.step_words import at_step, not_logged

if TYPE_CHECKING:
    from matplotlib.figure import Figure

X_LABEL = r"$h_l$ on the probe set (each panel has its own scale)"
Y_LABEL = "depth (weight layers; input at the bottom)"

MOST_ROWS = 12
"""Layers in a panel; of more, so many evenly spaced ones are drawn, the first and the last among them."""


def draw(comparison: Comparison, steps: Sequence[Step]) -> Figure:
    """A panel a group, the values of all its seeds together. Tails too thin to be seen may lie outside of a panel."""
    (step,) = steps
    found = [densities(members, step) for members in comparison.members]
    drawn = [group for group in found if group]
    if not drawn:
        probed = {s for members in comparison.members for record in members for s in probed_steps(record)}
        none = (
            "no histogram was recorded in these runs: run them with this version and monitor.probe_every set "
            "(under a results_dir of their own, for a finished run is not run again)"
        )
        raise ResultsError(not_logged(step, probed, "probed") if probed else none)
    kept = [i for i, group in enumerate(found) if group]
    notes = left_out(comparison, "not recorded", [i for i in comparison.groups.index if i not in kept])
    titles = group_titles(part(comparison, kept))
    if len({tuple(group.steps) for group in drawn}) > 1:
        titles = [f"{title}\n{at_step(group.steps, step)}".strip() for title, group in zip(titles, drawn, strict=True)]
    with drawing():
        figure, (axes,) = sheet(titles, X_LABEL, [Y_LABEL], sharex="none", sharey="none")
        shown = []
        for ax, group in zip(axes, drawn, strict=True):
            layers = [group.layers[i] for i in evenly(len(group.layers), MOST_ROWS)]
            draw_ridges(ax, layers)
            shown += layers
        seeds = sorted({group.seeds for group in drawn})
        many = (
            "one seed" if seeds == [1] else f"{'-'.join(map(str, dict.fromkeys([seeds[0], seeds[-1]])))} seeds together"
        )
        steps_shown = {s for group in drawn for s in group.steps}
        when = at_step(steps_shown, step) if len(steps_shown) == 1 else f"at the {step} step probed"
        explain(figure, f"Activations {when}, {many}", [], others=explain_ridges(shown), notes=notes)
    return figure


KIND = Kind(
    name="activation-histogram",
    help="distribution of h_l of up to 12 layers at one probed step, one panel a group",
    draw=draw,
    tables=("histograms",),
    panel_a_group=True,
    steps=("last",),
)
