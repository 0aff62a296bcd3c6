"""Lines to read curves against, and the axis of shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vgp_bench.report.drawing.style import GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


def guide(ax: Axes, level: float, name: str) -> Line2D:
    """A dotted horizontal line; also the handle for the legend."""
    return ax.axhline(level, color=GREY, linestyle=":", linewidth=1.2, zorder=1, label=name, gid="guide")


def percent_y(axes: Sequence[Axes]) -> None:
    """A vertical axis from 0 to 100 %, with room for a line at either end."""
    for ax in axes:
        ax.set_ylim(-3, 103)
        ax.set_yticks([0, 25, 50, 75, 100])
