"""relu-vs-tanh: steps to 25 % training error, each side at the learning rate that gets there soonest."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import curves
from vgp_bench.claims.drawing.levels import level_curve
from vgp_bench.claims.evidence import Evidence
from vgp_bench.claims.learning_curves import steps_until_learned
from vgp_bench.claims.tuned import tuned

steps = steps_until_learned(0.75, over=10)


def check(evidence: Evidence) -> list[Check]:
    relu, tanh = (tuned(evidence, steps, arm, steps, largest=False) for arm in ("relu", "tanh"))
    ratio = {seed: tanh[seed] / relu[seed] for seed in relu}
    return [judged(expected, ratio) for expected in evidence.scale.expect.values()]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    return curves(
        "ReLU against tanh in a plain convolutional network",
        "learning rate",
        "steps to 25 % training error",
        [level_curve(arm, evidence.along(steps, arm, "lr")) for arm in evidence.scale.arms],
        log_x=True,
        around=30,
    )
