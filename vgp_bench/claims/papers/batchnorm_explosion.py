"""batchnorm-explosion: the factor per layer of ||dL/dh_l|| in plain nets with batch normalization."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import gradient_by_depth
from vgp_bench.claims.evidence import Evidence, summary_figure

ARMS = ("relu", "linear")

decay = summary_figure("initial_decay_per_layer")


def check(evidence: Evidence) -> list[Check]:
    return [judged(evidence.expected(arm), evidence.each(decay, arm)) for arm in ARMS]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    lines = [(arm, evidence.cells(arm), evidence.expected(arm).value) for arm in ARMS]
    return gradient_by_depth("Gradient of a 30-layer MLP with batch normalization", lines)
