"""self-normalizing: mean and variance of the activations of a deep SELU net, and what its gradient does."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import Curve, curves
from vgp_bench.claims.evidence import Evidence, Observed
from vgp_bench.claims.layers import at_start, factor_per_layer, mean_from
from vgp_bench.report.drawing.legend import DEPTH_AXIS

SETTLED = 0.5
"""Share of the layers that is left out as the way to the fixed point."""


def variance(one: Observed) -> float:
    _, std = at_start(one, "activation_std")
    return float((std[round(SETTLED * len(std)) :] ** 2).mean())


def check(evidence: Evidence) -> list[Check]:
    return [
        judged(evidence.expected("mean"), evidence.each(mean_from("activation_mean", SETTLED), "selu")),
        judged(evidence.expected("variance"), evidence.each(variance, "selu")),
        judged(evidence.expected("gradient"), evidence.each(factor_per_layer(), "selu")),
    ]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    cells = [one for one in evidence.cells("selu") if one.measured]
    depth = list(at_start(cells[0], "depth")[0]) if cells else []
    means = [list(at_start(one, "activation_mean")[1]) for one in cells]
    variances = [list(at_start(one, "activation_std")[1] ** 2) for one in cells]
    lines = [
        Curve("mean", depth, means, [0.0] * len(depth)),
        Curve("variance", depth, variances, [1.0] * len(depth)),
    ]
    return curves("Activations of a 100-layer SELU MLP", DEPTH_AXIS, "mean and variance of h", lines, log_y=False)
