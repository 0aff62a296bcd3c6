"""deep-tanh: accuracy of plain tanh networks on and off criticality, the learning rate tuned for each depth."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import curves
from vgp_bench.claims.drawing.levels import level_curve
from vgp_bench.claims.evidence import Evidence, learned
from vgp_bench.claims.tuned import named, tuned_along


def check(evidence: Evidence) -> list[Check]:
    return [judged(expected, named(evidence, learned(), name)) for name, expected in evidence.scale.expect.items()]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    return curves(
        "Plain tanh networks, each depth at its best learning rate",
        "layers",
        "test accuracy",
        [level_curve(arm, tuned_along(evidence, learned(), arm, "depth")) for arm in evidence.scale.arms],
        log_x=True,
        log_y=False,
        notes=["chance is .1; six depth scales: 13 layers (ordered), 19 (chaotic), no limit (critical)"],
    )
