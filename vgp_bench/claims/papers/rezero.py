"""rezero: training loss of a deep fully connected network by how its layers are joined."""

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import curves
from vgp_bench.claims.drawing.learning import loss_curve
from vgp_bench.claims.evidence import Evidence
from vgp_bench.claims.training_figures import training_loss


def check(evidence: Evidence) -> list[Check]:
    return [judged(expected, _figures(evidence, name)) for name, expected in evidence.scale.expect.items()]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    return curves(
        "Deep ReLU networks with Adagrad, by how their layers are joined",
        "pass over the training data",
        "training loss",
        [loss_curve(arm.replace("_", " "), evidence.cells(arm)) for arm in evidence.scale.arms],
    )


def _figures(evidence: Evidence, name: str) -> dict[int, float]:
    """Of an arm, or how much less ReZero's is than that of the arm in `less_than_ARM`, as a logarithm: the losses lie
    orders of magnitude apart."""
    if name in evidence.scale.arms:
        return evidence.each(training_loss, name)
    ratios = evidence.paired(training_loss, "rezero", name.removeprefix("less_than_"), ratio=True)
    return {seed: math.log(ratio) if ratio > 0 else math.nan for seed, ratio in ratios.items()}
