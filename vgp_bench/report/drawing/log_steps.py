"""An axis of steps on which the first ones can be told apart: they are logged densely, and most happens there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOG_STEP_AXIS = "optimizer steps, spaced as log(1 + step)"


def log_step_x(axes: Sequence[Axes], first: float, last: float) -> None:
    """A horizontal axis from first (above -1) to last with a step s at log(1 + s): unlike log(s) it has a 0."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    decades = [0, *(10**k for k in range(9))]
    between = [] if last >= 300 else [2, 5] if last < 30 else [3, 30]
    ticks = [tick for tick in sorted([*decades, *between]) if tick <= last]
    for ax in axes:
        ax.set_xscale("function", functions=(np.log1p, np.expm1))
        ax.set_xlim(first, last)
        ax.xaxis.set_major_locator(FixedLocator(ticks))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:.0f}"))
