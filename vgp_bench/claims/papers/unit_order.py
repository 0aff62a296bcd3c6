"""unit-order: deep ResNets by where normalization and activation stand in a block."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check
from vgp_bench.claims.drawing.curves import curves
from vgp_bench.claims.drawing.learning import loss_curve
from vgp_bench.claims.error_rates import error_or_loss
from vgp_bench.claims.evidence import Evidence


def check(evidence: Evidence) -> list[Check]:
    return [error_or_loss(evidence, expected) for expected in evidence.scale.expect.values()]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    lines = [loss_curve(arm, evidence.cells(arm)) for arm in evidence.scale.arms]
    return curves("Residual networks by the order of their blocks", "passes over the data", "training loss", lines)
