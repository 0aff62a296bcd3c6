"""The words of a figure: its title, and under it a legend of what differs. Only what is in the picture is explained."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from vgp_bench.report.drawing.looks import COLOUR, MARKER, Channel
from vgp_bench.report.drawing.missing import tell_below
from vgp_bench.report.drawing.style import GREY, NONFINITE, TEXT, ZERO, plain
from vgp_bench.report.series.band import Band

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEPTH_AXIS = "depth (weight layers from the input; output on the right)"
STEP_AXIS = "optimizer steps"

WIDTH = 100
"""Characters of the legend that fit FULL_WIDTH."""

USUAL_LINES, LINE = 3, 0.17
"""Lines of a legend that a figure has room for, and what a further one needs in inches."""


def explain(
    figure: Figure,
    title: str,
    channels: Sequence[Channel],
    bands: Sequence[Band] = (),
    others: Sequence[Any] = (),
    notes: Sequence[str] = (),
) -> None:
    """Title and legend above the panels, notes below them; the figure grows with a long legend.

    bands: what was drawn, for the marks of zeros and values that are not finite; others: further handles of
    matplotlib, such as that of a guide line; notes: what is not in the picture, a line each.
    """
    from matplotlib.lines import Line2D

    handles: list[Any] = []
    for channel in channels:
        for label, look in channel.looks.items():
            # What a channel does not stand for is grey and plain: nobody shall read a colour into a dash.
            colour = look.colour if channel.place == COLOUR else GREY
            marker = look.marker if channel.place == MARKER else "none"
            line: Any = "none" if channel.place == MARKER else look.line
            handles.append(Line2D([], [], color=colour, linestyle=line, marker=marker, label=_wrapped(label)))
    handles += others
    for marker, label, present in (
        (ZERO, "exactly 0", any(band.zero.any() for band in bands)),
        (NONFINITE, "not finite", any(band.broken.any() for band in bands)),
    ):
        if present:
            handles.append(Line2D([], [], color=GREY, linestyle="none", marker=marker, label=label))
    tell_below(figure, notes)
    if not handles:
        figure.suptitle(title, fontsize=TEXT["axes.titlesize"], x=0.01, ha="left")
        return
    widest = max(len(line) for handle in handles for line in handle.get_label().split("\n"))
    columns = max(1, min(len(handles), WIDTH // (widest + 8)))
    lines = -(-len(handles) // columns) * max(handle.get_label().count("\n") + 1 for handle in handles)
    figure.set_figheight(figure.get_figheight() + LINE * max(0, lines - USUAL_LINES))
    legend = figure.legend(
        handles=handles, loc="outside upper left", ncols=columns, frameon=False, title=title, alignment="left"
    )
    legend.get_title().set_fontsize(TEXT["axes.titlesize"])


def _wrapped(label: str) -> str:
    return plain("\n".join(wrap(label, WIDTH - 8)))


def seeds_in_words(bands: Sequence[Band], middle: str) -> str:
    """`one seed`, or `median and range of 3 seeds`; middle: what the line is, median or mean."""
    seeds = sorted({band.seeds for band in bands})
    if seeds == [1]:
        return "one seed"
    many = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    return f"{middle} and range of {many} seeds"


def mean_of_seeds(counts: Sequence[int]) -> str:
    """`, one seed` or `, geometric mean of 3 seeds`, from the number of seeds of each group."""
    seeds = sorted(set(counts))
    if seeds == [1]:
        return ", one seed"
    return f", geometric mean of {seeds[0] if len(seeds) == 1 else f'{seeds[0]} to {seeds[-1]}'} seeds"
