"""What a figure cannot show: said below its panels, never on them."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten, wrap
from typing import TYPE_CHECKING, Any

from vgp_bench.compare import Comparison
from vgp_bench.report.drawing.style import GREY, TEXT, plain, words
from vgp_bench.report.series.part import telling

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BACKGROUND: dict[str, Any] = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.8}
"""Of words that may stand on a line."""

ONE_STAGE = "one hidden stage"
NO_DEPTH = (
    "these networks have one hidden stage each, and nothing changes along depth; "
    "for recurrent ones: vgp-bench plot gradient-time"
)

MOST_NAMES, LONGEST_NAME = 4, 60
"""Groups that are named, the others are counted; characters of a name."""

WIDTH, MOST_LINES, SIZE = 125, 5, 7
"""Characters and lines of all notes together, at this size in points."""

LABEL = 0.2
"""Height of the label of the horizontal axes, in inches."""


def left_out(comparison: Comparison, why: str, groups: Sequence[int]) -> list[str]:
    """One line that names these groups, or none if there are none. All groups of an architecture are named as one."""
    if not groups:
        return []
    names = []
    keys = telling(comparison)
    rest = list(groups)
    column = comparison.groups.get("architecture")
    if column is not None and "architecture" in comparison.settings:
        for value in dict.fromkeys(column):
            its = [i for i in column.index if column[i] == value]
            if its and set(its) <= set(rest):
                names.append(f"architecture={value}" + (f" ({len(its)} groups)" if len(its) > 1 else ""))
                rest = [i for i in rest if i not in its]
    names += [shorten(words(comparison, i, keys), LONGEST_NAME, placeholder=" ...") for i in rest]
    shown = names if len(names) <= MOST_NAMES else [*names[: MOST_NAMES - 1], f"{len(names) - MOST_NAMES + 1} more"]
    return [f"{why}: {'; '.join(shown)}"]


def tell_below(figure: Figure, notes: Sequence[str]) -> None:
    """Writes the notes in small grey letters below everything else; the figure grows by as much as they need."""
    lines = [line for note in notes for line in wrap(note, WIDTH, subsequent_indent="  ")]
    if not lines:
        return
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], f"and {len(lines) - MOST_LINES + 1} more lines"]
    notes_height, label_height = (1.3 * SIZE * len(lines) + 4) / 72, LABEL if figure.get_supxlabel() else 0.0
    height = figure.get_figheight() + notes_height
    figure.set_figheight(height)
    # A label of a chosen height is not given room by the layout, so its room is part of the rest.
    share = (notes_height + label_height) / height
    figure.set_layout_engine("constrained", rect=(0, share, 1, 1 - share))
    figure.supxlabel(figure.get_supxlabel(), y=(notes_height + 0.04) / height, fontsize=TEXT["axes.labelsize"])
    figure.text(0.01, 3 / 72 / height, plain("\n".join(lines)), fontsize=SIZE, color=GREY, va="bottom", gid="note")
