"""feedback-alignment: test accuracy against backpropagation, and the angle of what is sent back."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.expectations import expectations
from vgp_bench.claims.evidence import Evidence, NotMeasured, Observed, learned
from vgp_bench.claims.tuned import difference, tuned

FEEDBACK, BACKPROP = "feedback", "backprop"


def widest_angle(one: Observed) -> float:
    """Of the hidden layers at the last probed step; the classifier's own gradient is exact."""
    rows = one.ended.columns("angles")
    chosen = np.asarray(rows["kind"], dtype=object) == "hidden"
    if not chosen.any():
        raise NotMeasured("no angle was measured")
    steps, angles = np.asarray(rows["step"])[chosen], np.asarray(rows["gradient_angle"], dtype=float)[chosen]
    return float(angles[steps == steps.max()].max())


def check(evidence: Evidence) -> list[Check]:
    feedback, backprop = (tuned(evidence, learned(), arm) for arm in (FEEDBACK, BACKPROP))
    return [
        judged(evidence.expected("difference"), difference(feedback, backprop)),
        judged(evidence.expected("angle"), tuned(evidence, widest_angle, FEEDBACK)),
    ]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    return expectations("Feedback alignment against backpropagation", checks)
