"""A logarithmic axis that can be read over half a decade as well as over thirty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARGIN = 0.05
"""Room at either end, in parts of the axis."""


def logarithmic(ax: Axes, which: Literal["x", "y"], low: float, high: float) -> None:
    """Makes an axis logarithmic from low to high (both above 0) and a little beyond, at least over a factor of 2.

    Below three decades the ticks are plain numbers at 1, 2 and 5 times powers of ten, above them powers of ten.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    if high / low < 2:
        middle = (low * high) ** 0.5
        low, high = middle / 2**0.5, middle * 2**0.5
    room = (high / low) ** MARGIN
    if which == "x":
        ax.set(xscale="log", xlim=(low / room, high * room))
    else:
        ax.set(yscale="log", ylim=(low / room, high * room))
    axis = ax.xaxis if which == "x" else ax.yaxis
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    if high / low < 1e3:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=12))
        axis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:g}"))
    else:
        axis.set_major_locator(LogLocator(numticks=7))
