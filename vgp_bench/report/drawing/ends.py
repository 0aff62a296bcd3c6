"""Where runs that did not complete ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from vgp_bench.report.drawing.style import GREY, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DIVERGED, UNFINISHED = "X", "|"


def draw_ends(ax: Axes, ends: Iterable[tuple[str, float, float]], look: Look) -> list[Any]:
    """A mark at each (state, x, y) but those at NaN; a handle for the legend of each kind of end."""
    from matplotlib.lines import Line2D

    handles = []
    for state, x, y in ends:
        if np.isnan(x):
            continue
        name, marker = ("diverged", DIVERGED) if state == "diverged" else (f"ended: {state}", UNFINISHED)
        ax.plot([x], [y], marker=marker, color=look.colour, markersize=7, linestyle="none", zorder=6, gid=state)
        handles.append(Line2D([], [], color=GREY, marker=marker, linestyle="none", label=name))
    return handles


def each_once(handles: Iterable[Any]) -> list[Any]:
    """One handle for each label."""
    return list({handle.get_label(): handle for handle in handles}.values())
