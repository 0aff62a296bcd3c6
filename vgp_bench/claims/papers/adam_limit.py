"""adam-limit: accuracy of deep sigmoid networks by optimizer and depth, the learning rate tuned for each."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.expectations import expectations
from vgp_bench.claims.evidence import Evidence, learned
from vgp_bench.claims.tuned import named


def check(evidence: Evidence) -> list[Check]:
    return [judged(expected, named(evidence, learned(), name)) for name, expected in evidence.scale.expect.items()]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    return expectations("Plain sigmoid networks at their best learning rate", checks)
