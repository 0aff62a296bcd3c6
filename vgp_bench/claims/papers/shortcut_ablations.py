"""shortcut-ablations: what becomes of a deep ResNet when its identity shortcuts are changed, by bypass."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check
from vgp_bench.claims.drawing.expectations import expectations
from vgp_bench.claims.error_rates import error_or_loss
from vgp_bench.claims.evidence import Evidence


def check(evidence: Evidence) -> list[Check]:
    return [error_or_loss(evidence, expected) for expected in evidence.scale.expect.values()]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    return expectations("Residual networks by their shortcuts", checks)
