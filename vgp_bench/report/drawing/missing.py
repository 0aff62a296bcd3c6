"""What a panel cannot show, said in the panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vgp_bench.report.drawing.panels import tell_missing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BACKGROUND: dict[str, Any] = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.8}
"""Of words that may stand on a line."""

MOST_LINES = 4
"""More lines than this would hide the curves."""


def tell_all(ax: Axes, what: str, names: Sequence[str]) -> None:
    """A line `what: name` for each name, from below; of too many the rest is counted."""
    shown = (
        list(names) if len(names) <= MOST_LINES else [*names[: MOST_LINES - 1], f"{len(names) - MOST_LINES + 1} more"]
    )
    for name in shown:
        tell_missing(ax, f"{what}: {name}")
        ax.texts[-1].set_bbox(BACKGROUND)
