"""sigmoid-decay: the decay per layer of ||dL/dh_l|| at initialization, by initializer."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import gradient_by_depth
from vgp_bench.claims.evidence import Evidence, summary_figure

ARMS = ("pytorch_default", "xavier", "he")

decay = summary_figure("initial_decay_per_layer")
straightness = summary_figure("initial_decay_r2")


def check(evidence: Evidence) -> list[Check]:
    worst = {
        one.seed: float(np.min([evidence.each(straightness, arm)[one.seed] for arm in ARMS]))
        for one in evidence.cells(ARMS[0])
    }
    return [
        *(judged(evidence.expected(arm), evidence.each(decay, arm)) for arm in ARMS),
        judged(evidence.expected("straightness"), worst),
    ]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    lines = [(arm, evidence.cells(arm), evidence.expected(arm).value) for arm in ARMS]
    return gradient_by_depth("Gradient of a 20-layer sigmoid MLP", lines)
