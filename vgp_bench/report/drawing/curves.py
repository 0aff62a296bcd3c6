"""One curve on one panel, and the axes it is read against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vgp_bench.report.drawing.style import GREY, NONFINITE, ZERO, Look
from vgp_bench.report.series.band import Band

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_band(ax: Axes, band: Band, look: Look, name: str, marked: bool = False, width: float = 1.4) -> None:
    """The middle as a line with its spread around it; exact zeros marked on the lower edge of the panel, values that
    are not finite on the upper one.

    marked: with the marker of the look at some points of the line. width: of the line, in points.
    """
    if not len(band.x):
        return
    shown = np.where(band.zero & ~(band.middle > 0), np.nan, band.middle)
    if np.isfinite(shown).any():  # matplotlib cannot space markers along a line without points
        ax.plot(
            band.x,
            shown,
            color=look.colour,
            linestyle=look.line,
            linewidth=width,
            marker=look.marker if marked or np.isfinite(shown).sum() == 1 else "none",
            markersize=3.5,
            # In parts of the diagonal, as a marker at each of 100 points would hide the line. None on a single one.
            markevery=0.06 if np.isfinite(shown).sum() > 1 else None,
            label=name,
            gid="curve",
        )
    if band.seeds > 1:
        ax.fill_between(band.x, band.low, band.high, color=look.colour, alpha=0.18, linewidth=0, gid="band")
    edge: dict[str, Any] = {
        "transform": ax.get_xaxis_transform(),  # x in the unit of the axis, y in parts of the height
        "linestyle": "none",
        "color": look.colour,
        "markersize": 5,
        "clip_on": False,
        "zorder": 5,
    }
    if band.zero.any():
        ax.plot(band.x[band.zero], np.full(band.zero.sum(), 0.015), marker=ZERO, gid="zero", **edge)
    if band.broken.any():
        ax.plot(band.x[band.broken], np.full(band.broken.sum(), 0.985), marker=NONFINITE, gid="nonfinite", **edge)


BEYOND_BELOW, BEYOND_ABOVE = "v", "^"


def draw_beyond(lines: Sequence[tuple[Axes, Band, Look]]) -> list[Any]:
    """Marks on the edge of its panel each value of a line that is beyond the axis; a handle for the legend."""
    from matplotlib.lines import Line2D

    handles = []
    for ax, band, look in lines:
        bottom, top = ax.get_ylim()
        for name, marker, height, where in (
            ("above the axis", BEYOND_ABOVE, 0.97, band.middle > top),
            ("below the axis", BEYOND_BELOW, 0.03, (band.middle < bottom) & (band.middle > 0)),
        ):
            if where.any():
                style: dict[str, Any] = {"marker": marker, "linestyle": "none", "fillstyle": "none", "markersize": 5}
                place: dict[str, Any] = {"transform": ax.get_xaxis_transform(), "zorder": 5, "gid": "beyond"}
                ax.plot(band.x[where], np.full(where.sum(), height), color=look.colour, **style, **place)
                handles.append(Line2D([], [], color=GREY, label=name, **style))
    return list({handle.get_label(): handle for handle in handles}.values())


def logarithmic_y(
    axes: Sequence[Axes], bands: Sequence[Band], around: float, limits: tuple[float, float] = (1e-307, 1e307)
) -> None:
    """A logarithmic vertical axis that shows all bands, as far as they are between the limits, and at least a decade
    on either side of `around`.

    A healthy gradient then looks as flat as it is, and noise does not fill the picture.
    """
    from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

    values = np.concatenate([np.concatenate([band.low, band.high, band.middle]) for band in bands])
    values = values[np.isfinite(values) & (values > 0)]
    low, high = np.clip((values.min(), values.max()), *limits) if len(values) else (around, around)
    low, high = min(low, around / 10), max(high, around * 10)
    margin = 10 ** (0.05 * (np.log10(high) - np.log10(low)))  # the quotient itself can overflow
    for ax in axes:
        ax.set_yscale("log")
        ax.set_ylim(max(low / margin, 1e-307), min(high * margin, 1e307))
        ax.yaxis.set_major_locator(LogLocator(numticks=7))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_minor_formatter(NullFormatter())


def depth_x(axes: Sequence[Axes], deepest: float) -> None:
    """A horizontal axis of weight layers, from the input on the left to the output on the right."""
    from matplotlib.ticker import MaxNLocator

    for ax in axes:
        ax.set_xlim(1 - 0.02 * deepest, deepest * 1.02)
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def step_x(axes: Sequence[Axes], last: float) -> None:
    """A horizontal axis of optimizer steps from 0."""
    from matplotlib.ticker import MaxNLocator

    for ax in axes:
        ax.set_xlim(-0.02 * max(last, 1), max(last, 1) * 1.02)
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
