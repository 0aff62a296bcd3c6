"""shattered-gradients: correlation of df/dx between two points of a line through input space, by depth."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged, trend
from vgp_bench.claims.drawing.curves import Curve, curves
from vgp_bench.claims.evidence import Evidence, Statistic
from vgp_bench.claims.measurements.gradient_on_line import POINTS, REACH

ARMS = ("plain", "residual")
NEAR, FAR = 4, 8
"""Lags in points, a half and one unit of t."""


def check(evidence: Evidence) -> list[Check]:
    return [
        *(
            judged(evidence.expected(f"{arm}_{depth}"), evidence.each(correlation(NEAR), arm, depth=depth))
            for arm, depth in (("plain", 10), ("residual", 10))
        ),
        trend(evidence.expected("plain_by_depth"), evidence.along(correlation(NEAR), "plain", "depth")),
        judged(evidence.expected("plain_50_far"), evidence.each(correlation(FAR), "plain", depth=50)),
        *(
            judged(
                evidence.expected(f"difference_{depth}"),
                evidence.paired(correlation(NEAR), *ARMS[::-1], {"depth": depth}),
            )
            for depth in (10, 24, 50)
        ),
    ]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    lags = range(POINTS // 2 + 1)
    apart = [lag * 2 * REACH / (POINTS - 1) for lag in lags]
    lines = []
    for arm in ARMS:
        for depth in (2, 10, 50):
            found = [one.measured["gradient_on_line"] for one in evidence.cells(arm, depth=depth) if one.measured]
            values = [[one["correlation"][lag] for lag in lags] for one in found]
            predicted = [predicted_correlation(lag, depth, arm == "residual") for lag in lags]
            lines.append(Curve(f"{arm}, {depth} layers", apart, values, predicted))
    title = "Gradient of a ReLU net along a line of inputs"
    return curves(title, "distance of two inputs, in units of t", "correlation of df/dx", lines, log_y=False)


def correlation(lag: int) -> Statistic:
    return lambda one: one.measured["gradient_on_line"]["correlation"][lag]


def predicted_correlation(lag: int, depth: int, residual: bool) -> float:
    """At infinite width, He weights, no biases, on the line u + t v. Two inputs at angle a share 1 - a / pi of their
    active units, and the next layer has them at cosine (sin a + (pi - a) cos a) / pi (Cho & Saul 2009). A block x +
    F(x) has the mean of what the shortcut and F do; Balduzzi's 1/2 and 3/4 a layer are these at a = pi / 2."""
    t = np.linspace(-REACH, REACH, POINTS)
    a, b = t[: POINTS - lag], t[lag:]
    cosine, found = (1 + a * b) / np.sqrt((1 + a * a) * (1 + b * b)), np.ones(len(a))
    for layer in range(depth):
        angle = np.arccos(np.clip(cosine, -1, 1))
        shared = 1 - angle / np.pi
        above = (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / np.pi
        block = residual and layer < depth - 1  # depth - 1 blocks; the last activation has no shortcut
        found = found * ((1 + shared) / 2 if block else shared)
        cosine = (cosine + above) / 2 if block else above
    return float(found.mean())
