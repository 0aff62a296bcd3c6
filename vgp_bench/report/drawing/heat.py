"""A map of factors over depth and step: colours around 1, and own colours for what has no logarithm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vgp_bench.report.series.stage_steps import OverSeeds, edges

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, LogNorm
    from matplotlib.figure import Figure

ZERO, NONFINITE, UNMEASURED = "#000000", "#F0E442", "0.75"
"""Black, the yellow of Okabe and Ito (2008), and grey: none of them is a colour of the map."""

LEAST_DECADES, MOST_DECADES = 1.0, 300.0


def factor_colours() -> Colormap:
    """Blue below 1, white at 1, red above (ColorBrewer's RdBu, safe for colour-blind readers), its near-black ends cut
    off: black is a value of its own."""
    import matplotlib
    from matplotlib.colors import ListedColormap

    return ListedColormap(matplotlib.colormaps["RdBu_r"](np.linspace(0.06, 0.94, 255)), "factors")


def factor_norm(fields: Sequence[OverSeeds]) -> LogNorm:
    """Logarithmic and symmetrical around 1, over all fields, at least a decade on either side."""
    from matplotlib.colors import LogNorm

    values = np.concatenate([field.middle[np.isfinite(field.middle)] for field in fields])
    widest = float(np.abs(np.log10(values)).max()) if len(values) else 0.0
    decades = min(max(widest, LEAST_DECADES), MOST_DECADES)
    return LogNorm(10**-decades, 10**decades)


def draw_field(ax: Axes, field: OverSeeds, colours: Colormap, norm: LogNorm) -> None:
    """One cell a stage and logged step; borders half-way between neighbours on either axis. Depth runs upwards."""
    from matplotlib.colors import ListedColormap
    from matplotlib.ticker import MaxNLocator

    x, y = edges(field.steps), edges(_apart(field.depth))
    ax.grid(False)
    ax.set_facecolor(UNMEASURED)
    options: dict[str, Any] = {"rasterized": True, "linewidth": 0, "zorder": 1}
    ax.pcolormesh(x, y, np.ma.masked_invalid(field.middle), cmap=colours, norm=norm, gid="factor", **options)
    for gid, colour, where in (("zero", ZERO, field.zero), ("nonfinite", NONFINITE, field.broken)):
        if where.any():
            shown = np.ma.masked_where(~where, np.ones(where.shape))
            ax.pcolormesh(x, y, shown, cmap=ListedColormap([colour]), gid=gid, **options)
    ax.set_ylim(y[0], y[-1])
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))


def explain_colours(fields: Sequence[OverSeeds]) -> list[Any]:
    """Handles for the legend of the colours that are in the picture and not in the colour bar."""
    from matplotlib.patches import Patch

    any_seed = " in a seed" if any(field.seeds > 1 for field in fields) else ""
    present = (
        (ZERO, f"exactly 0{any_seed}", any(field.zero.any() for field in fields)),
        (NONFINITE, f"not finite{any_seed}", any(field.broken.any() for field in fields)),
        (UNMEASURED, "no data", any(_unmeasured(field).any() for field in fields) or _unequally_long(fields)),
    )
    return [
        Patch(facecolor=colour, edgecolor="0.35", linewidth=0.5, label=label)
        for colour, label, there in present
        if there
    ]


def colour_bar(figure: Figure, axes: Sequence[Axes], colours: Colormap, norm: Any, label: str) -> None:
    """A bar at the right of all panels, its numbers at whole powers of ten if it is logarithmic."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    bar = figure.colorbar(ScalarMappable(norm, colours), ax=list(axes), aspect=35, fraction=0.05, pad=0.02)
    bar.set_label(label)
    bar.outline.set_visible(False)
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.locator = LogLocator(numticks=9) if isinstance(norm, LogNorm) else MaxNLocator(6, integer=True)
    bar.update_ticks()


def _unmeasured(field: OverSeeds) -> Any:
    return np.isnan(field.middle) & ~field.zero & ~field.broken


def _unequally_long(fields: Sequence[OverSeeds]) -> bool:
    # All panels have one axis of steps: where runs ended early, or began late, it is empty.
    return len({(field.steps[0], field.steps[-1]) for field in fields}) > 1


def _apart(depth: Any) -> Any:
    # Stages without a weight layer of their own stand at the depth of the one before: they share its cell.
    same = np.array([np.sum(depth[i:] == value) - 1 for i, value in enumerate(depth)])
    return depth - same / np.array([np.sum(depth == value) for value in depth])
