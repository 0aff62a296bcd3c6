"""highway-depth: training loss of plain and of highway networks by depth, the learning rate tuned at each depth."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged, trend
from vgp_bench.claims.drawing.curves import curves
from vgp_bench.claims.drawing.levels import level_curve
from vgp_bench.claims.evidence import Evidence
from vgp_bench.claims.training_figures import training_loss
from vgp_bench.claims.tuned import difference, tuned_along


def check(evidence: Evidence) -> list[Check]:
    plain, highway = (tuned_along(evidence, training_loss, arm, "depth") for arm in ("plain", "highway"))
    first, deepest = min(plain), max(plain)
    growth = [difference(levels[deepest], levels[first]) for levels in (highway, plain)]
    return [
        trend(evidence.expected("plain_degrades"), plain),
        judged(evidence.expected(f"highway_at_{deepest}"), difference(highway[deepest], plain[deepest])),
        judged(evidence.expected(f"growth_{first}_to_{deepest}"), difference(*growth)),
    ]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    arms = ("plain", "highway")
    return curves(
        "Plain and highway networks, each depth at its best learning rate",
        "hidden layers",
        "training loss of the last pass",
        [level_curve(arm, tuned_along(evidence, training_loss, arm, "depth")) for arm in arms],
    )
