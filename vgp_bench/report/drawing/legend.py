"""The words of a figure: its title, and under it a legend of what differs. Only what is in the picture is explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vgp_bench.report.drawing.style import GREY, NONFINITE, TEXT, ZERO, Channel, short
from vgp_bench.report.series.band import Band

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEPTH_AXIS = "depth (weight layers from the input; output on the right)"
STEP_AXIS = "optimizer steps"


def explain(
    figure: Figure, title: str, channels: Sequence[Channel], bands: Sequence[Band] = (), others: Sequence[Any] = ()
) -> None:
    """Title and legend above the panels.

    bands: what was drawn, for the marks of zeros and values that are not finite; others: further handles of
    matplotlib, such as that of a guide line.
    """
    from matplotlib.lines import Line2D

    handles: list[Any] = []
    for position, channel in enumerate(channels):
        for value, look in channel.looks.items():
            label = value if "," in channel.key else f"{short(channel.key)} {value}"
            # What a channel does not stand for is grey and plain: nobody shall read a colour into a dash.
            colour = look.colour if position == 0 else GREY
            marker = look.marker if position == 2 else "none"
            line: Any = "none" if position == 2 else look.line
            handles.append(Line2D([], [], color=colour, linestyle=line, marker=marker, label=label))
    handles += others
    for marker, label, present in (
        (ZERO, "exactly 0", any(band.zero.any() for band in bands)),
        (NONFINITE, "not finite", any(band.broken.any() for band in bands)),
    ):
        if present:
            handles.append(Line2D([], [], color=GREY, linestyle="none", marker=marker, label=label))
    if not handles:
        figure.suptitle(title, fontsize=TEXT["axes.titlesize"], x=0.01, ha="left")
        return
    widest = max(len(handle.get_label()) for handle in handles)
    columns = max(1, min(len(handles), 100 // (widest + 8)))  # about 100 characters fit FULL_WIDTH
    legend = figure.legend(
        handles=handles, loc="outside upper left", ncols=columns, frameon=False, title=title, alignment="left"
    )
    legend.get_title().set_fontsize(TEXT["axes.titlesize"])


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
