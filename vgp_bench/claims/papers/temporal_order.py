"""temporal-order: how often each network learns the task, at its best learning rate."""

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, more_often
from vgp_bench.claims.drawing.curves import curves
from vgp_bench.claims.drawing.levels import level_curve
from vgp_bench.claims.evidence import Evidence, learned
from vgp_bench.claims.tuned import tuned

SOLVED = 0.99
"""Accuracy: under 1 % errors, as in both papers."""


def check(evidence: Evidence) -> list[Check]:
    found = []
    for name, expected in evidence.scale.expect.items():
        ours, theirs = (tuned(evidence, learned(), arm).values() for arm in name.split("_over_"))
        found.append(
            more_often(expected, *([x >= SOLVED for x in side if not math.isnan(x)] for side in (ours, theirs)))
        )
    return found


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    return curves(
        "Temporal order",
        "learning rate",
        "test accuracy",
        [level_curve(arm, evidence.along(learned(), arm, "lr")) for arm in evidence.scale.arms],
        log_x=True,
        log_y=False,
        notes=[f"chance is .25; solved: {SOLVED} or more"],
    )
