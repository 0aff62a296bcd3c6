"""How far each layer moves in a step, relative to its size: which layers learn, and which only seem to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vgp_bench.compare import Comparison
from vgp_bench.errors import ResultsError
from vgp_bench.records.signal import Step
from vgp_bench.report.drawing.curves import draw_band, draw_beyond, logarithmic_y
from vgp_bench.report.drawing.depth_colours import DepthColours
from vgp_bench.report.drawing.guides import guide
from vgp_bench.report.drawing.heat import colour_bar
from vgp_bench.report.drawing.legend import explain, mean_of_seeds
from vgp_bench.report.drawing.log_steps import LOG_STEP_AXIS, log_step_x
from vgp_bench.report.drawing.missing import left_out
from vgp_bench.report.drawing.panels import group_titles, sheet
from vgp_bench.report.drawing.style import Look, drawing
from vgp_bench.report.plots.kind import Kind
from vgp_bench.report.series.band import Band
from vgp_bench.report.series.layer_fields import update_field
from vgp_bench.report.series.part import part
from vgp_bench.report.series.stage_steps import OverSeeds, evenly

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Y_LABEL = r"$\Vert W_l^{after} - W_l^{before}\Vert_2\ /\ \Vert W_l^{before}\Vert_2$"

RULE = 1e-3
RULE_NAME = "about 1e-3: rule of thumb (Karpathy, CS231n notes)"

LIMITS = (1e-12, 1e3)
"""The axis ends here at the latest: a single step that blew up must not squeeze all others into a line."""

MOST_LINES = 24
"""Layers in a panel; of more, so many evenly spaced ones are drawn."""


def draw(comparison: Comparison, steps: Sequence[Step]) -> Figure:
    """A panel a group and a line a layer, the geometric mean over the seeds in which it moved; dark is the input.

    Exact zeros are marked on the lower edge of a panel, updates that are not finite on the upper one, and values
    beyond LIMITS on the edge that they are beyond.
    """
    fields = [update_field(members) for members in comparison.members]
    drawn = [field for field in fields if field]
    if not drawn:
        raise ResultsError("no update of weights was measured in these runs; run them with the monitor on")
    shown = [i for i, field in enumerate(fields) if field]
    notes = left_out(comparison, "not measured", [i for i in comparison.groups.index if i not in shown])
    colours = DepthColours([field.depth for field in drawn])
    with drawing():
        figure, (axes,) = sheet(group_titles(part(comparison, shown)), LOG_STEP_AXIS, [Y_LABEL])
        handles: list[Any] = []
        lines: list[tuple[Any, Band, Look]] = []
        for ax, field in zip(axes, drawn, strict=True):
            handles = [guide(ax, RULE, RULE_NAME)]
            handles[0].set_zorder(1.8)  # above the grid, which has a line there too
            for i in evenly(len(field.depth), MOST_LINES):
                band = _band(field, i)
                look = Look(colour=colours.of(field.depth[i], field.depth[-1]))
                draw_band(ax, band, look, f"depth {field.depth[i]:g}", width=0.9)
                lines.append((ax, band, look))
        log_step_x(axes, -0.1, max(field.steps[-1] for field in drawn) * 1.05 + 0.1)
        bands = [band for _, band, _ in lines]
        logarithmic_y(axes, bands, RULE, LIMITS)
        handles += draw_beyond(lines)
        colour_bar(figure, axes, colours.colours, colours.norm, colours.label)
        thinned = max(len(field.depth) for field in drawn)
        some = f", {MOST_LINES} of up to {thinned} layers" if thinned > MOST_LINES else ""
        explain(
            figure, f"Update of the weights{mean_of_seeds([f.seeds for f in drawn])}{some}", [], bands, handles, notes
        )
    return figure


def _band(field: OverSeeds, stage: int) -> Band:
    """One line of it, without a spread: with those of all layers nothing could be seen."""
    zero, broken = field.zero[stage], field.broken[stage]
    known = ~np.isnan(field.middle[stage]) | zero | broken
    middle = np.where(np.isnan(field.middle[stage]) & zero, 0.0, field.middle[stage])[known]
    return Band(field.steps[known], middle, middle, middle, zero[known], broken[known], seeds=1)


KIND = Kind(
    name="update-ratio",
    help="||change of W_l|| / ||W_l|| of every layer against the step, one panel a group",
    draw=draw,
    tables=("layers",),
    panel_a_group=True,
)
