"""adam-vs-sgd: test accuracy of a ResNet by optimizer, the learning rate tuned for each."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import curves
from vgp_bench.claims.drawing.levels import level_curve
from vgp_bench.claims.error_rates import percent_right
from vgp_bench.claims.evidence import Evidence
from vgp_bench.claims.tuned import arm_or_difference


def check(evidence: Evidence) -> list[Check]:
    return [judged(e, arm_or_difference(evidence, percent_right, name)) for name, e in evidence.scale.expect.items()]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    lines = [level_curve(arm, evidence.along(percent_right, arm, "lr")) for arm in evidence.scale.arms]
    return curves("ResNet-20 by optimizer", "learning rate", "test accuracy in %", lines, log_x=True, log_y=False)
