"""Every expectation of a claim beside what was measured: the picture of a claim without a curve."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from vgp_bench.claims.checks import Check
from vgp_bench.errors import ResultsError
from vgp_bench.report.drawing.legend import explain
from vgp_bench.report.drawing.style import COLOURS, FULL_WIDTH, GREY, drawing

VERDICT_COLOURS = {
    "REPRODUCED": COLOURS[2],
    "CONTRADICTED": COLOURS[1],
    "INCONCLUSIVE": COLOURS[5],
    "NOT RUN": GREY,
}


def expectations(title: str, checks: Sequence[Check]) -> Figure:
    """A panel a figure, each with a scale of its own: grey where the expectation holds, a point with its 95 % interval
    for what was measured, in the colour of the verdict. Raises ResultsError if nothing was measured."""
    shown = [check for check in checks if check.measured.n and math.isfinite(check.measured.mean)]
    if not shown:
        raise ResultsError("nothing was measured that could be drawn")
    with drawing():
        figure = Figure(figsize=(FULL_WIDTH, 0.9 + 0.62 * len(shown)), layout="constrained")
        axes = figure.subplots(len(shown), 1, squeeze=False)
        for check, ax in zip(shown, axes[:, 0], strict=True):
            _row(ax, check)
        verdicts = dict.fromkeys(check.verdict for check in shown)
        points = [_handle(verdict) for verdict in verdicts]
        explain(figure, title, [], others=[Patch(color="0.88", label="expected"), *points])
    return figure


def _row(ax: Axes, check: Check) -> None:
    e, expected = check.measured, check.expected
    edges = [value for value in (expected.low, expected.high, e.mean, e.low, e.high) if math.isfinite(value)]
    logarithmic = expected.factor and min(edges) > 0
    if logarithmic:
        ax.set_xscale("log")
        low, high = min(edges) / 2, max(edges) * 2
    else:
        room = 0.15 * (max(edges) - min(edges)) or 0.1 * abs(edges[0]) or 1.0
        low, high = min(edges) - room, max(edges) + room
    ax.set_xlim(low, high)
    if expected.kind in ("is", "at_least", "at_most"):
        ax.axvspan(max(expected.low, low), min(expected.high, high), color="0.88", linewidth=0, gid="expected")
    spread = [] if math.isnan(e.low) else [e.low, e.high]
    colour = VERDICT_COLOURS[check.verdict]
    if spread:
        ax.plot(spread, [0, 0], color=colour, linewidth=1.4, solid_capstyle="butt", gid="interval")
    ax.plot([e.mean], [0], marker="o", color=colour, markersize=5, linestyle="none", gid="measured")
    ax.set(yticks=[], ylim=(-1, 1))
    ax.spines["left"].set_visible(False)
    unit = f" ({expected.unit})" if expected.unit else ""
    ax.set_title(f"{expected.name.replace('_', ' ')}: {expected.words}{unit}", loc="left", fontsize=8)
    ax.tick_params(labelsize=7)


def _handle(verdict: str) -> Line2D:
    return Line2D([], [], linestyle="none", marker="o", color=VERDICT_COLOURS[verdict], label=verdict)
