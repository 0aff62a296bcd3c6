"""skip-removal: accuracy of a ResNet-18 with and without its skip connections, the learning rate tuned for each."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.expectations import expectations
from vgp_bench.claims.error_rates import percent_right
from vgp_bench.claims.evidence import Evidence
from vgp_bench.claims.tuned import arm_or_difference


def check(evidence: Evidence) -> list[Check]:
    return [judged(e, arm_or_difference(evidence, percent_right, name)) for name, e in evidence.scale.expect.items()]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    return expectations("ResNet-18 with and without skip connections, each at its best rate", checks)
