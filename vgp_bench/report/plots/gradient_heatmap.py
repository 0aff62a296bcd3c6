"""The gradient norm over depth and step: where and when the signal dies, returns or explodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vgp_bench.compare import Comparison
from vgp_bench.errors import ResultsError
from vgp_bench.records.signal import Step
from vgp_bench.report.drawing.heat import colour_bar, draw_field, explain_colours, factor_colours, factor_norm
from vgp_bench.report.drawing.legend import explain, mean_of_seeds
from vgp_bench.report.drawing.log_steps import LOG_STEP_AXIS, log_step_x
from vgp_bench.report.drawing.missing import NO_DEPTH, ONE_STAGE, left_out
from vgp_bench.report.drawing.panels import group_titles, sheet
from vgp_bench.report.drawing.style import drawing
from vgp_bench.report.plots.kind import Kind
from vgp_bench.report.series.layer_fields import gradient_field
from vgp_bench.report.series.part import part
from vgp_bench.report.series.stage_steps import edges

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UPWARDS = "depth (weight layers; input at the bottom)"
COLOUR_LABEL = r"$\Vert\partial L/\partial h_l\Vert_2$ relative to the last hidden stage"


def draw(comparison: Comparison, steps: Sequence[Step]) -> Figure:
    """A panel a group, the geometric mean over its seeds; each panel has its own depth, all have the same steps."""
    fields = [gradient_field(members) for members in comparison.members]
    measured = [i for i, field in enumerate(fields) if field]
    if not measured:
        raise ResultsError("no gradient was measured in these runs; run them with the monitor on")
    drawn = [field for field in fields if field and len(field.depth) > 1]
    if not drawn:
        raise ResultsError(NO_DEPTH)
    shown = [i for i, field in enumerate(fields) if field and len(field.depth) > 1]
    notes = left_out(comparison, "not measured", [i for i in comparison.groups.index if i not in measured])
    notes += left_out(comparison, ONE_STAGE, [i for i in measured if i not in shown])
    with drawing():
        figure, (axes,) = sheet(group_titles(part(comparison, shown)), LOG_STEP_AXIS, [UPWARDS], sharey="none")
        colours, norm = factor_colours(), factor_norm(drawn)
        for ax, field in zip(axes, drawn, strict=True):
            draw_field(ax, field, colours, norm)
        borders = [edges(field.steps) for field in drawn]
        log_step_x(axes, min(x[0] for x in borders), max(x[-1] for x in borders))
        colour_bar(figure, axes, colours, norm, COLOUR_LABEL)
        title = f"Gradient{mean_of_seeds([f.seeds for f in drawn])}"
        explain(figure, title, [], others=explain_colours(drawn), notes=notes)
    return figure


KIND = Kind(
    name="gradient-heatmap",
    help="||dL/dh_l|| of every layer at every logged step as colours, one panel a group",
    draw=draw,
    tables=("layers",),
    panel_a_group=True,
)
