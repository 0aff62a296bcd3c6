"""batchnorm-cnn: ||dL/dh|| of the first over the last layer of plain CNNs at initialization, by depth."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged, trend
from vgp_bench.claims.drawing.curves import Curve, curves
from vgp_bench.claims.evidence import Evidence
from vgp_bench.claims.layers import GRADIENT, at_start, first_to_last
from vgp_bench.report.drawing.legend import DEPTH_AXIS

NORMALIZED, BARE = ("20 layers", "56 layers", "110 layers"), "56 without norm"

ratio = first_to_last()


def check(evidence: Evidence) -> list[Check]:
    by_depth = {arm: evidence.each(ratio, arm) for arm in NORMALIZED}
    return [
        *(judged(evidence.expected(arm), values) for arm, values in by_depth.items()),
        trend(evidence.expected("growth with depth"), by_depth),
        judged(evidence.expected(BARE), evidence.each(ratio, BARE)),
    ]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    lines = []
    for arm in (*NORMALIZED, BARE):
        found = [at_start(one, GRADIENT) for one in evidence.cells(arm) if one.measured]
        values = [list(gradient / gradient[-1]) for _, gradient in found]
        lines.append(Curve(arm, list(found[0][0]) if found else [], values))
    y = r"$\Vert\partial L/\partial h_l\Vert$ / that of the last hidden layer"
    return curves("Plain CNNs with batch normalization, and one without", DEPTH_AXIS, y, lines)
