"""A ridgeline: the distributions of the layers of one network above one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vgp_bench.report.drawing.style import COLOURS, GREY, NONFINITE
from vgp_bench.report.series.densities import Density

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FILL, PALE, SPIKE = COLOURS[0], "#80B9D9", COLOURS[1]
"""PALE is FILL half-way to white."""

HEIGHT = 0.9
"""Of the tallest ridge, in rows: none reaches into the row above."""

ZERO_NAME = "share of values exactly 0 (full row: 100 %)"


def draw_ridges(ax: Axes, layers: Sequence[Density]) -> None:
    """One row a layer, from the input below to the output above; the numbers on the left are depths.

    A density is as high as its row at its mode. Exact zeros are a bar at 0 whose height is their share of all values.
    A layer whose other values are all equal in a seed has a thin bar at that value.
    """
    low, high = _range(layers)
    ax.set_xlim(low, high)
    width = 0.03 * (high - low)
    # With an outline, so that a ridge narrower than a pixel is still seen.
    look: dict[str, Any] = {"facecolor": PALE, "edgecolor": FILL, "linewidth": 0.5, "zorder": 2.5}
    for row, layer in enumerate(layers):
        ax.axhline(row, color="0.8", linewidth=0.6, zorder=1)
        if layer.heights.any():
            # The first and the last value once more at height 0: the outline comes down to the base.
            tops = row + HEIGHT * np.concatenate([layer.heights, layer.heights[-1:]])
            ax.fill_between(layer.borders, row, tops, step="post", gid="density", **look)
        if len(layer.constants):
            ax.vlines(layer.constants, row, row + HEIGHT, color=FILL, linewidth=1.6, gid="constant")
        if layer.zeros > 0:
            ax.bar(0, HEIGHT * layer.zeros, width=width, bottom=row, color=SPIKE, zorder=3, gid="zero")
        if layer.nonfinite > 0:
            edge: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "clip_on": False, "zorder": 5}
            ax.plot(0.985, row + 0.2, color=GREY, marker=NONFINITE, linestyle="none", gid="nonfinite", **edge)
    ax.grid(False, axis="y")
    ax.set_ylim(-0.15, len(layers) - 0.05)
    ax.set_yticks(range(len(layers)), [f"{layer.depth:g}" for layer in layers])


def explain_ridges(layers: Sequence[Density]) -> list[Any]:
    """Handles for the legend of what is in these rows."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    if any(layer.heights.any() or len(layer.constants) for layer in layers):
        handles.append(
            Patch(facecolor=PALE, edgecolor=FILL, linewidth=0.5, label="density of values that are not 0, tallest = 1")
        )
    if any(layer.zeros > 0 for layer in layers):
        handles.append(Patch(color=SPIKE, linewidth=0, label=ZERO_NAME))
    if any(layer.nonfinite > 0 for layer in layers):
        handles.append(Line2D([], [], color=GREY, linestyle="none", marker=NONFINITE, label="with values not finite"))
    return handles


def _range(layers: Sequence[Density]) -> tuple[float, float]:
    seen = np.array([layer.visible() for layer in layers])
    seen = seen[np.isfinite(seen).all(axis=1)]
    low, high = (seen[:, 0].min(), seen[:, 1].max()) if len(seen) else (0.0, 0.0)
    if any(layer.zeros > 0 for layer in layers):
        low, high = min(low, 0.0), max(high, 0.0)
    room = 0.05 * (high - low) or 0.5
    return low - room, high + room
