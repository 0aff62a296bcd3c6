"""isometry: singular values of d h_100 / d x by weights and activation."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import Curve, curves
from vgp_bench.claims.evidence import Evidence, Observed, Statistic

WIDTH, DEPTH, SHOWN = 64, 100, 32
ARMS = ("linear_orthogonal", "linear_gaussian", "relu_orthogonal", "tanh_orthogonal")


def check(evidence: Evidence) -> list[Check]:
    return [
        judged(evidence.expected("orthogonal_smallest"), evidence.each(lambda one: _values(one)[-1], ARMS[0])),
        judged(evidence.expected("orthogonal_largest"), evidence.each(lambda one: _values(one)[0], ARMS[0])),
        judged(evidence.expected("gaussian_16th"), evidence.each(lambda one: _relative(one)[15], ARMS[1])),
        judged(evidence.expected("relu_lost"), evidence.each(lambda one: 1 - _share(1e-6)(one), ARMS[2])),
        judged(evidence.expected("tanh_keeps_more"), evidence.paired(_share(0.1), ARMS[3], ARMS[2])),
    ]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    ranks = range(1, SHOWN + 1)
    predicted = {ARMS[0]: [1.0] * SHOWN, ARMS[1]: newman(WIDTH, DEPTH)[:SHOWN]}
    lines = []
    for arm in ARMS:
        # float64 has no more than 16 decades below the largest
        values = [np.maximum(_relative(one)[:SHOWN], 1e-18) for one in evidence.cells(arm) if one.measured]
        lines.append(Curve(arm, ranks, [list(row) for row in values], predicted.get(arm, ())))
    title = "Jacobian of 100 layers of width 64"
    return curves(title, "rank of the singular value", "singular value / largest", lines)


def newman(width: int, depth: int) -> list[float]:
    """Singular values of a product of `depth` Gaussian matrices of variance 1/n, over the largest (Newman 1986)."""
    from scipy.special import digamma

    exponents = [0.5 * (digamma((width - k) / 2) + math.log(2 / width)) for k in range(width)]
    return [math.exp(depth * (exponent - exponents[0])) for exponent in exponents]


def _values(one: Observed) -> NDArray[np.float64]:
    return np.asarray(one.measured["hidden_jacobian"]["values"], dtype=float)


def _relative(one: Observed) -> NDArray[np.float64]:
    return np.asarray(_values(one) / _values(one)[0])


def _share(least: float) -> Statistic:
    return lambda one: float((_relative(one) >= least).mean())
