"""parentheses: accuracy on words five times as long as those trained on, each side at its best learning rate."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.expectations import expectations
from vgp_bench.claims.evidence import Evidence, learned, summary_figure
from vgp_bench.claims.tuned import tuned

validation_loss = summary_figure("validation_loss")


def check(evidence: Evidence) -> list[Check]:
    # By the loss: the accuracy on short words is 1 at several rates.
    return [
        judged(expected, tuned(evidence, learned(), arm, validation_loss, largest=False))
        for arm, expected in evidence.scale.expect.items()
    ]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    return expectations("Balanced parentheses: trained on 20 symbols, tested on 100", checks)
