"""Curves over depth, lag, step or anything else: measured points with their spread, and the predicted line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from vgp_bench.claims.evidence import Observed
from vgp_bench.errors import ResultsError
from vgp_bench.records.signal import hidden_gradient
from vgp_bench.report.drawing.curves import draw_band, logarithmic_y
from vgp_bench.report.drawing.legend import DEPTH_AXIS, explain
from vgp_bench.report.drawing.log_axis import logarithmic
from vgp_bench.report.drawing.looks import COLOUR, Channel
from vgp_bench.report.drawing.panels import sheet
from vgp_bench.report.drawing.style import COLOURS, GREY, LINES, MARKERS, Look, drawing
from vgp_bench.report.series.band import Array, Band, band_of_shares, band_of_sizes

MOST = len(COLOURS) * 2


@dataclass(frozen=True)
class Curve:
    """One line. values: a list a seed, each as long as x; predicted: what a formula says at each x, if there is one."""

    name: str
    x: Sequence[float]
    values: Sequence[Sequence[float]]
    predicted: Sequence[float] = field(default_factory=tuple)


def curves(
    title: str,
    x_label: str,
    y_label: str,
    lines: Sequence[Curve],
    *,
    log_x: bool = False,
    log_y: bool = True,
    around: float = 1.0,
    notes: Sequence[str] = (),
) -> Figure:
    """Median (log_y) or mean over the seeds, with their range: a line, or where a formula predicts one, points on the
    predicted line. around: a value that a logarithmic axis shows in any case. Raises ResultsError if all are empty."""
    lines = [replace(line, name=line.name.replace("_", " ")) for line in lines if len(line.x) and len(line.values)]
    if not lines:
        raise ResultsError("nothing was measured that could be drawn")
    styles = {
        line.name: Look(COLOURS[i % len(COLOURS)], LINES[0], MARKERS[i // len(COLOURS) % len(MARKERS)])
        for i, line in enumerate(lines)
    }
    banded: Callable[[Array, Sequence[Array]], Band] = band_of_sizes if log_y else band_of_shares
    bands = [
        banded(np.asarray(line.x, dtype=float), [np.asarray(v, dtype=float) for v in line.values]) for line in lines
    ]
    with drawing():
        figure, ((ax,),) = sheet([""], x_label, [y_label])
        for line, band in zip(lines, bands, strict=True):
            if len(line.predicted):
                _draw_against(ax, line, band, styles[line.name])
            else:
                draw_band(ax, band, styles[line.name], line.name, marked=True)
        if all(float(x).is_integer() for line in lines for x in line.x):
            ax.xaxis.set_major_locator(MaxNLocator(7, integer=True))
        if log_y:
            logarithmic_y([ax], [*bands, *_predicted_bands(lines)], around)
        if log_x:
            logarithmic(ax, "x", min(min(line.x) for line in lines), max(max(line.x) for line in lines))
        others = (
            [Line2D([], [], color=GREY, linestyle=LINES[1], label="predicted")]
            if any(len(line.predicted) for line in lines)
            else []
        )
        seeds = max(band.seeds for band in bands)
        spread = [f"{'median' if log_y else 'mean'} of {seeds} seeds, and their range"] if seeds > 1 else []
        told = [*notes, *spread]
        explain(figure, title, [Channel(COLOUR, styles)], bands if log_y else [], others=others, notes=told)
    return figure


def gradient_by_depth(title: str, lines: Sequence[tuple[str, Sequence[Observed], float | None]]) -> Figure:
    """||dL/dh_l||_2 at the first logged step, in units of the last hidden layer's. lines: name, what was observed, one
    a seed, and the predicted factor per layer, if there is one."""
    return curves(
        title,
        DEPTH_AXIS,
        r"$\Vert\partial L/\partial h_l\Vert$ / that of the last hidden layer",
        [_by_depth(name, observed, factor) for name, observed, factor in lines],
    )


def _by_depth(name: str, observed: Sequence[Observed], factor: float | None) -> Curve:
    found = [hidden_gradient(one.record.columns("layers"), "first") for one in observed if one.record is not None]
    found = [(x, y) for x, y in found if len(x)]
    if not found:
        return Curve(name, (), ())
    depth = found[0][0]
    values = [list(gradient / gradient[-1]) for _, gradient in found]
    predicted = [] if factor is None else [float(factor ** (depth[-1] - x)) for x in depth]
    return Curve(name, list(depth), values, predicted)


def _draw_against(ax: Axes, line: Curve, band: Band, look: Look) -> None:
    """What is predicted as a line, what was measured as points: a line over a line would hide it."""
    ax.plot(line.x, line.predicted, color=look.colour, linestyle=LINES[1], linewidth=1.0, gid="predicted")
    spread = np.nan_to_num(np.stack([band.middle - band.low, band.high - band.middle]).clip(min=0))
    style: dict[str, Any] = {
        "linestyle": "none",
        "marker": look.marker,
        "markersize": 3.5,
        "color": look.colour,
        "elinewidth": 1,
    }
    shown = np.where(band.zero & ~(band.middle > 0), np.nan, band.middle)
    drawn, _, _ = ax.errorbar(band.x, shown, yerr=spread, label=line.name, **style)
    drawn.set_gid("curve")


def _predicted_bands(lines: Sequence[Curve]) -> list[Band]:
    return [
        band_of_sizes(np.asarray(line.x, dtype=float), [np.asarray(line.predicted, dtype=float)])
        for line in lines
        if len(line.predicted)
    ]
