"""pretraining: accuracy of a deep sigmoid network by its start, the learning rate tuned for each."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import curves
from vgp_bench.claims.drawing.levels import level_curve
from vgp_bench.claims.evidence import Evidence, learned
from vgp_bench.claims.tuned import arm_or_difference


def check(evidence: Evidence) -> list[Check]:
    return [judged(e, arm_or_difference(evidence, learned(), name)) for name, e in evidence.scale.expect.items()]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    return curves(
        "Five sigmoid layers, by their start",
        "learning rate",
        "test accuracy",
        [level_curve(arm, evidence.along(learned(), arm, "lr")) for arm in evidence.scale.arms],
        log_x=True,
        log_y=False,
        notes=["chance is .1"],
    )
