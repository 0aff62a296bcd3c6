"""How far each layer moves in a step, relative to its size: which layers learn, and which only seem to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vgp_bench.compare import Comparison
from vgp_bench.errors import ResultsError
from vgp_bench.records.signal import Step
from vgp_bench.report.drawing.curves import draw_band, logarithmic_y
from vgp_bench.report.drawing.depth_colours import DepthColours
from vgp_bench.report.drawing.guides import guide
from vgp_bench.report.drawing.heat import colour_bar
from vgp_bench.report.drawing.legend import explain, mean_of_seeds
from vgp_bench.report.drawing.log_steps import LOG_STEP_AXIS, log_step_x
from vgp_bench.report.drawing.panels import group_titles, sheet, tell_missing
from vgp_bench.report.drawing.style import Look, drawing
from vgp_bench.report.plots.kind import Kind
from vgp_bench.report.series.band import Band
from vgp_bench.report.series.layer_fields import update_field
from vgp_bench.report.series.stage_steps import OverSeeds, evenly

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Y_LABEL = r"$\Vert W_l^{after} - W_l^{before}\Vert_2\ /\ \Vert W_l^{before}\Vert_2$"

RULE = 1e-3
RULE_NAME = "about 1e-3: rule of thumb (Karpathy, CS231n notes)"

MOST_LINES = 24
"""Layers in a panel; of more, so many evenly spaced ones are drawn."""


def draw(comparison: Comparison, steps: Sequence[Step]) -> Figure:
    """A panel a group and a line a layer, the geometric mean over the seeds in which it moved; dark is the input.

    Exact zeros are marked on the lower edge of a panel, updates that are not finite on the upper one.
    """
    fields = [update_field(members) for members in comparison.members]
    drawn = [field for field in fields if field]
    if not drawn:
        raise ResultsError("no update of weights was measured in these runs; run them with the monitor on")
    colours = DepthColours([field.depth for field in drawn])
    with drawing():
        figure, (axes,) = sheet(group_titles(comparison), LOG_STEP_AXIS, [Y_LABEL])
        handles: list[Any] = []
        shown = []
        for ax, field in zip(axes, fields, strict=True):
            handles = [guide(ax, RULE, RULE_NAME)]
            handles[0].set_zorder(1.8)  # above the grid, which has a line there too
            if not field:
                tell_missing(ax, "not measured")
                continue
            for i in evenly(len(field.depth), MOST_LINES):
                band = _band(field, i)
                look = Look(colour=colours.of(field.depth[i], field.depth[-1]))
                draw_band(ax, band, look, f"depth {field.depth[i]:g}", width=0.9)
                shown.append(band)
        log_step_x(axes, -0.1, max(field.steps[-1] for field in drawn) * 1.05 + 0.1)
        logarithmic_y(axes, shown, around=RULE)
        colour_bar(figure, axes, colours.colours, colours.norm, colours.label)
        thinned = max(len(field.depth) for field in drawn)
        some = f", {MOST_LINES} of up to {thinned} layers" if thinned > MOST_LINES else ""
        explain(figure, f"Update of the weights{mean_of_seeds([f.seeds for f in drawn])}{some}", [], shown, handles)
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
    panel_a_group=True,
)
