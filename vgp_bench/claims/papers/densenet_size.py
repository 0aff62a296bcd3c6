"""densenet-size: parameters of DenseNets, and what they reach against larger ResNets."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.by_name import by_name
from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.expectations import expectations
from vgp_bench.claims.error_rates import percent_wrong
from vgp_bench.claims.evidence import Evidence, Observed, measured


def check(evidence: Evidence) -> list[Check]:
    found = []
    for name, expected in evidence.scale.expect.items():
        arm = name.removesuffix(" parameters")
        found.append(judged(expected, by_name(evidence, _size if arm != name else percent_wrong, arm)))
    return found


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    return expectations("DenseNets: parameters and test error", checks)


def _size(one: Observed) -> float:
    """Millions of parameters, measured or of the run."""
    if one.measured:
        return measured("parameters", "millions")(one)
    summary = one.ended.summary
    return float("nan") if summary is None else summary.parameters / 1e6
