"""The sheet a figure is drawn on: panels side by side, with shared axes and one label for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Literal

from vgp_bench.compare import Comparison
from vgp_bench.errors import UserError
from vgp_bench.report.drawing.style import FULL_WIDTH, TEXT, plain, short
from vgp_bench.report.series.part import telling

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FACET = "architecture"
"""Runs that differ in this get panels of their own."""

WIDEST = 3
"""Panels side by side, that each can still be read at half a page."""

MOST = 12
"""Panels on a page."""

MANY_KEYS = 4
"""Of more keys those that the others imply are not in titles."""

MOST_TITLE, TITLE = 4, 0.15
"""Lines of the title of a panel, and what each but the first adds to the height, in inches."""

SPEAKING = ("architecture", "activation", "initializer", "dataset", "optimizer")
"""Keys whose values say what they are."""


def facets(comparison: Comparison, shown: Sequence[int] | None = None) -> list[tuple[str, list[int]]]:
    """The panels of a comparison: title and groups of each, one panel an architecture.

    shown: the groups that have something to show (all, if not given); the others take no room.
    """
    groups = list(comparison.groups.index if shown is None else shown)
    if FACET not in comparison.settings:
        return [("", groups)]
    column = comparison.groups[FACET]
    return [(str(value), [i for i in groups if column[i] == value]) for value in dict.fromkeys(column[groups])]


def facet_key(comparison: Comparison) -> str | None:
    """The key that the panels of `facets` stand for, None if there is only one panel."""
    return FACET if FACET in comparison.settings else None


def sheet(
    titles: Sequence[str],
    x: str,
    y: Sequence[str],
    *,
    sharex: Literal["all", "none"] = "all",
    sharey: Literal["all", "row", "none"] = "all",
) -> tuple[Figure, list[list[Axes]]]:
    """An empty figure of FULL_WIDTH with its panels, one list of them for each label in y. Call it in `drawing()`.

    titles: one a panel; x: what all horizontal axes show; y: the label of each row of panels. With a single label
    the panels are wrapped into at most WIDEST columns, else every row of panels stays one row. sharex, sharey: one
    scale for all panels, one a row, or one a panel. Raises UserError if there are more panels than can be read.
    """
    from matplotlib.figure import Figure

    count = len(titles)
    most = MOST if len(y) == 1 else min(MOST // len(y), WIDEST + 1) * len(y)
    if count * len(y) > most:
        raise UserError(
            f"{count * len(y)} panels, and {most} can be read in one figure: choose fewer runs with --where"
        )
    columns = count if len(y) > 1 or count == 1 else 2 if count in (2, 4) else WIDEST
    rows = len(y) if len(y) > 1 else -(-count // columns)
    titled = rows if len(y) == 1 else 1
    height = 0.9 + (3.0 if rows == 1 else 2.0 * rows) + titled * TITLE * max(title.count("\n") for title in titles)
    figure = Figure(figsize=(FULL_WIDTH, height), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=sharex, sharey=sharey, squeeze=False)
    axes = list(grid.flat)
    used = axes[: count * len(y)]
    for unused in axes[len(used) :]:
        unused.remove()
    for number, ax in enumerate(used):
        ax.grid(True, color="0.92", linewidth=0.6)
        # A panel with no panel below it carries the numbers, also where the last row is not full.
        ax.tick_params(
            labelbottom=sharex == "none" or number + columns >= len(used),
            labelleft=sharey == "none" or number % columns == 0,
        )
        if number < count:
            ax.set_title(plain(titles[number]), loc="left", fontweight="bold")
        if len(y) > 1 and number % columns == 0:
            ax.set_ylabel(y[number // columns])
    figure.supxlabel(x, fontsize=TEXT["axes.labelsize"])
    if len(y) == 1:
        figure.supylabel(y[0], fontsize=TEXT["axes.labelsize"])
    return figure, [used[i * count : (i + 1) * count] for i in range(len(y))]


def group_titles(comparison: Comparison) -> list[str]:
    """What tells each group from the others, such as `mlp, depth=20, relu`, wrapped to the width of a panel.

    For figures with one panel a group. The option of a component says enough without its key, but for `none`.
    """
    count = len(comparison.groups)
    width = 80 if count == 1 else 36 if count in (2, 4) else 20  # characters of bold TEXT that a panel has room for
    keys = comparison.settings if len(comparison.settings) <= MANY_KEYS else telling(comparison)
    titles = []
    for _, row in comparison.groups.iterrows():
        told = [
            str(row[key]) if key in SPEAKING and row[key] != "none" else f"{short(key)}={row[key]}"
            for key in keys
            if row[key] is not None
        ]
        titles.append("\n".join(wrap(", ".join(told), width, max_lines=MOST_TITLE, placeholder=" ...")))
    return titles
