"""What `vgp-bench probe -o FILE` draws: reach by depth, or the decay against depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from vgp_bench.diagnosis.thresholds import REACH
from vgp_bench.errors import ResultsError
from vgp_bench.plural import plural
from vgp_bench.probe.depths import AtDepth
from vgp_bench.probe.looking import Look
from vgp_bench.probe.profile import gradient_of_first, reaches
from vgp_bench.report.drawing.curves import depth_x, draw_band, logarithmic_y
from vgp_bench.report.drawing.guides import guide
from vgp_bench.report.drawing.legend import DEPTH_AXIS, explain
from vgp_bench.report.drawing.looks import COLOUR, Channel
from vgp_bench.report.drawing.panels import sheet
from vgp_bench.report.drawing.style import COLOURS, GREY, drawing
from vgp_bench.report.drawing.style import Look as Style
from vgp_bench.report.series.band import band_of_sizes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REACH_LABEL = r"reach: $E\Vert h_l\Vert\,\Vert\partial L/\partial h_l\Vert$ in units of a logit"
RATIO_LABEL = r"$\Vert\partial L/\partial h\Vert$, first / last hidden layer"


def reach_by_depth(looks: Sequence[Look]) -> Figure:
    """One line a moment: at the start, after so many steps. Zeros are marked on the lower edge."""
    moments = {_moment(look): look for look in looks}
    styles = {name: Style(colour) for name, colour in zip(moments, COLOURS, strict=False)}
    depths = np.array([row.depth for row in looks[0].probes], dtype=float)
    bands = {name: band_of_sizes(depths, [np.array(reaches(look))]) for name, look in moments.items()}
    with drawing():
        figure, ((ax,),) = sheet([""], DEPTH_AXIS, [REACH_LABEL])
        limit = guide(ax, REACH, f"{REACH:g}: below, the first layers cannot move the logits")
        for name, band in bands.items():
            draw_band(ax, band, styles[name], name, marked=True)
        logarithmic_y([ax], list(bands.values()), around=1.0)
        depth_x([ax], float(depths[-1]))
        explain(figure, "Reach of every layer", [Channel(COLOUR, styles)], list(bands.values()), others=[limit])
    return figure


def decay_against_depth(found: Sequence[AtDepth], key: str, notes: Sequence[str]) -> Figure:
    """Points: measured, at initialization; line: the closed form, where there is one. Raises ResultsError if no depth
    has two hidden layers."""
    from matplotlib.lines import Line2D

    x = np.array([one.depth for one in found], dtype=float)
    measured = np.array([gradient_of_first(one.start.look) for one in found])
    if np.isnan(measured).all():
        raise ResultsError("nothing to draw: one hidden layer at every depth, so nothing changes along it")
    band = band_of_sizes(x[~np.isnan(measured)], [measured[~np.isnan(measured)]])
    predicted = np.array([one.predicted for one in found])
    with drawing():
        figure, ((ax,),) = sheet([""], f"architecture.{key}", [RATIO_LABEL])
        shown = np.where(band.zero, np.nan, band.middle)
        ax.plot(
            band.x, shown, linestyle="none", marker="o", color=COLOURS[0], markersize=5, label="measured", gid="point"
        )
        handles = [Line2D([], [], linestyle="none", marker="o", color=COLOURS[0], label="measured")]
        bands = [band]
        if np.isfinite(predicted).all():
            (line,) = ax.plot(
                x, predicted, color=GREY, linewidth=1.2, label="predicted at infinite width", gid="predicted"
            )
            handles.append(line)
            bands.append(band_of_sizes(x, [predicted]))
            words = list(notes)
        else:
            words = [*notes, f"no closed form: {found[0].start.no_prediction}"]
        logarithmic_y([ax], bands, around=1.0)
        depth_x([ax], float(x.max()))
        explain(figure, "Gradient at initialization against depth", [], others=handles, notes=words)
    return figure


def _moment(look: Look) -> str:
    return "at the start" if look.step == 0 else f"after {plural(look.step, 'step')}"
