"""born-dead: the share of networks that are 0 for an input, by width and depth."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, proportion
from vgp_bench.claims.drawing.curves import Curve, curves
from vgp_bench.claims.evidence import Evidence
from vgp_bench.claims.measurements.births import NETWORKS

POINTS = ((2, 2), (4, 12), (8, 12))
"""Width and depth."""


def check(evidence: Evidence) -> list[Check]:
    return [
        *(_share(evidence, f"width_{n}_depth_{depth}", n, depth, "dead_for_one") for n, depth in POINTS),
        _share(evidence, "all_inputs", 4, 12, "dead_for_all"),
    ]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    depths = range(1, 13)
    lines = [
        Curve(f"{n} units", depths, _shares(evidence, n, "dead_for_one"), [1 - (1 - 0.5**n) ** d for d in depths])
        for n in (2, 4, 8)
    ]
    lines += [Curve(f"{n} units, all 16 inputs", depths, _shares(evidence, n, "dead_for_all")) for n in (2, 4, 8)]
    title = "ReLU networks that are dead at birth, for one input"
    return curves(title, "hidden layers", "share of networks", lines, log_y=False)


def _share(evidence: Evidence, name: str, width: int, depth: int, column: str) -> Check:
    shares = [row[depth - 1] for row in _shares(evidence, width, column)]
    return proportion(evidence.expected(name), round(sum(shares) * NETWORKS), len(shares) * NETWORKS)


def _shares(evidence: Evidence, width: int, column: str) -> list[list[float]]:
    return [one.measured["births"][column] for one in evidence.cells("network", width=width) if one.measured]
