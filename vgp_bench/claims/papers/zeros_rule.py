"""zeros-rule: the share of zeros beside the share of dead units in ReLU nets at initialization."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import Curve, curves
from vgp_bench.claims.evidence import Evidence, summary_figure
from vgp_bench.claims.layers import at_start, mean_from
from vgp_bench.report.drawing.legend import DEPTH_AXIS

COLUMNS = {"zeros": "zero_fraction", "dead": "dead_fraction"}

zeros = mean_from("zero_fraction")
dead = summary_figure("initial_dead_fraction")


def check(evidence: Evidence) -> list[Check]:
    return [
        judged(evidence.expected("zeros, healthy"), evidence.each(zeros, "healthy")),
        judged(evidence.expected("dead, healthy"), evidence.each(dead, "healthy")),
        judged(evidence.expected("dead, dying"), evidence.each(dead, "dying")),
    ]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    lines = []
    for name, column in COLUMNS.items():
        for arm in ("healthy", "dying"):
            found = [at_start(one, column) for one in evidence.cells(arm) if one.record is not None]
            depth = list(found[0][0]) if found else []
            predicted = [0.5 if name == "zeros" else 0.0] * len(depth) if arm == "healthy" else []
            lines.append(Curve(f"{name}, {arm}", depth, [list(values) for _, values in found], predicted))
    title = "Zeros and dead units of a 5-layer ReLU MLP"
    return curves(title, DEPTH_AXIS, "share of activations, of units", lines, log_y=False)
