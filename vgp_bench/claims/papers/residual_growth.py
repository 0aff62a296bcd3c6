"""residual-growth: ||dL/dh|| of the first over the last block of residual nets at initialization, by their number."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import Curve, curves
from vgp_bench.claims.evidence import Evidence
from vgp_bench.claims.layers import GRADIENT, at_start, factor_per_layer, first_to_last

NORMALIZED = {9: "batch norm 9", 27: "batch norm 27", 54: "batch norm 54"}
"""Blocks -> arm."""

BLOCKS = 54
ADDED = {
    "no norm": lambda block: 1.0,
    "batch norm 54": lambda block: 1 / block,
    "scaled 54": lambda block: 1 / BLOCKS,
    "zero": lambda block: 0.0,
}
"""Arm -> what a block adds to the variance, as a share of it, hence to the square of the gradient."""

ratio, factor = first_to_last(), factor_per_layer()


def exponents(evidence: Evidence) -> dict[int, float]:
    """seed -> slope of the logarithm of the squared ratio against that of the number of blocks."""
    found = [evidence.each(ratio, arm) for arm in NORMALIZED.values()]
    blocks = np.log(list(NORMALIZED))
    return {seed: float(np.polyfit(blocks, [2 * np.log(each[seed]) for each in found], 1)[0]) for seed in found[0]}


def check(evidence: Evidence) -> list[Check]:
    values = {
        "no norm": evidence.each(factor, "no norm"),
        "batch norm": exponents(evidence),
        "scaled 9": evidence.each(ratio, "scaled 9"),
        "scaled 54": evidence.each(ratio, "scaled 54"),
        "zero": evidence.each(ratio, "zero"),
    }
    return [judged(evidence.expected(name), each) for name, each in values.items()]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    lines = []
    for arm, added in ADDED.items():
        found = [at_start(one, GRADIENT)[1] for one in evidence.cells(arm) if one.measured]
        predicted = [
            math.prod(math.sqrt(1 + added(above)) for above in range(block + 1, BLOCKS + 1))
            for block in range(BLOCKS + 1)
        ]
        lines.append(Curve(arm, range(BLOCKS + 1), [list(each / each[-1]) for each in found], predicted))
    y = r"$\Vert\partial L/\partial h_l\Vert$ / that of the last block"
    return curves("Gradient of residual MLPs with 54 blocks", "block (0: input layer)", y, lines)
