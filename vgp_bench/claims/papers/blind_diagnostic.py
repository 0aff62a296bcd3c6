"""blind-diagnostic: how ||dL/dW_l|| and ||dL/dh_l|| change with depth at initialization, zero biases."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import Curve, curves
from vgp_bench.claims.evidence import Evidence
from vgp_bench.claims.layers import GRADIENT, WEIGHT_GRADIENT, at_start, factor_per_layer
from vgp_bench.report.drawing.legend import DEPTH_AXIS

ARMS = ("tanh", "relu", "sigmoid")
COLUMNS = {"dL/dW": WEIGHT_GRADIENT, "dL/dh": GRADIENT}


def check(evidence: Evidence) -> list[Check]:
    return [
        judged(evidence.expected(f"{arm} {name}"), evidence.each(factor_per_layer(column), arm))
        for arm in ARMS
        for name, column in COLUMNS.items()
    ]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    lines = []
    for one in checks:
        arm, name = one.expected.name.split()
        found = [at_start(o, COLUMNS[name]) for o in evidence.cells(arm) if o.record is not None]
        if not found:
            continue
        depth = found[0][0]
        factor = one.expected.value
        predicted = [float(factor ** (depth[-1] - x)) for x in depth] if one.expected.kind == "is" else []
        lines.append(Curve(one.expected.name, list(depth), [list(v / v[-1]) for _, v in found], predicted))
    title = "Weight gradient and gradient of the activations, 20-layer MLPs"
    return curves(title, DEPTH_AXIS, "norm / that of the last hidden layer", lines)
