"""selu-vs-batchnorm: training loss by depth, at the figure's learning rate and with the rate tuned for each side."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import curves
from vgp_bench.claims.drawing.levels import level_curve
from vgp_bench.claims.evidence import Evidence, summary_figure
from vgp_bench.claims.training_figures import training_loss
from vgp_bench.claims.tuned import difference, tuned

ARMS = ("selu", "relu_bn")
RATE_OF_THE_FIGURE = 0.00001

validation_loss = summary_figure("validation_loss")


def check(evidence: Evidence) -> list[Check]:
    found = []
    for name, expected in evidence.scale.expect.items():
        how, _, depth = name.partition("_")
        selu, relu_bn = (_losses(evidence, arm, how, int(depth)) for arm in ARMS)
        found.append(judged(expected, difference(selu, relu_bn)))
    return found


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    depths = list(evidence.scale.grid["architecture.depth"])
    lines = [
        level_curve(f"{arm}, {words}", {depth: _losses(evidence, arm, how, depth) for depth in depths})
        for arm in ARMS
        for how, words in (("fixed", "rate 1e-5"), ("tuned", "best rate"))
    ]
    return curves("SELU against ReLU with batch normalization", "hidden layers", "training loss", lines)


def _losses(evidence: Evidence, arm: str, how: str, depth: int) -> dict[int, float]:
    if how == "fixed":
        return evidence.each(training_loss, arm, depth=depth, lr=RATE_OF_THE_FIGURE)
    return tuned(evidence, training_loss, arm, validation_loss, largest=False, depth=depth)
