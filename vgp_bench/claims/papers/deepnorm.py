"""deepnorm: the gradient at the first layer and the change of the logits by one step, by the number of layers."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import Curve, curves
from vgp_bench.claims.evidence import Evidence, Observed, measured
from vgp_bench.claims.power_law import exponents

by_weights, by_all = (measured("model_update", column) for column in ("weights", "all"))


def check(evidence: Evidence) -> list[Check]:
    ratio = evidence.paired(by_weights, "deepnorm", "post", {"blocks": 100}, ratio=True)
    return [
        judged(evidence.expected("gradient"), exponents(evidence.along(first_to_last, "deepnorm", "blocks"))),
        judged(evidence.expected("update"), exponents(evidence.along(by_weights, "deepnorm", "blocks"))),
        judged(evidence.expected("update_beside_post"), ratio),
        judged(evidence.expected("update_all"), exponents(evidence.along(by_all, "deepnorm", "blocks"))),
    ]


def first_to_last(one: Observed) -> float:
    gradients = one.measured["model_update"]["gradient"]
    return gradients[0] / gradients[-1]


STATISTICS = {"change by weights": by_weights, "change by all": by_all, "gradient, first / last": first_to_last}


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    lines = []
    for name, statistic in STATISTICS.items():
        for arm in ("deepnorm", "post"):
            found = evidence.along(statistic, arm, "blocks")
            values = [list(row) for row in zip(*(figures.values() for figures in found.values()), strict=True)]
            lines.append(Curve(f"{name}, {arm}", list(found), values))
    note = ["Change: of the logits by a step of gradient descent, over its learning rate. Bounded: no rise with N"]
    return curves("Transformer before training", "layers N", "size", lines, log_x=True, notes=note)
