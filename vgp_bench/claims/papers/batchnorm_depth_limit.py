"""batchnorm-depth-limit: the depth at which plain networks with batch normalization no longer learn."""

import itertools
import math
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged, trend
from vgp_bench.claims.drawing.curves import curves
from vgp_bench.claims.drawing.levels import level_curve
from vgp_bench.claims.evidence import Evidence, learned
from vgp_bench.claims.tuned import tuned_along

ARM, HALF = "batch", 0.5


def check(evidence: Evidence) -> list[Check]:
    accuracy = tuned_along(evidence, learned(), ARM, "depth")
    seeds = next(iter(accuracy.values()))
    cliffs = {seed: crossing({depth: values[seed] for depth, values in accuracy.items()}) for seed in seeds}
    return [judged(evidence.expected("cliff"), cliffs), trend(evidence.expected("accuracy_falls"), accuracy)]


def crossing(accuracy: Mapping[float, float], level: float = HALF) -> float:
    """The depth at which the accuracy first falls below the level, on straight lines over the logarithm of the depth.
    The first depth if it is below there already, the last one if it never is; NaN where a figure is missing."""
    if any(math.isnan(value) for value in accuracy.values()):
        return math.nan
    points = list(accuracy.items())
    if points[0][1] < level:
        return points[0][0]
    for (before, high), (after, low) in itertools.pairwise(points):
        if low < level:
            return float(before * (after / before) ** ((high - level) / (high - low)))
    return points[-1][0]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    return curves(
        "Plain ReLU networks with batch normalization, each depth at its best learning rate",
        "hidden layers",
        "test accuracy",
        [level_curve("batch normalization", tuned_along(evidence, learned(), ARM, "depth"))],
        log_x=True,
        log_y=False,
        notes=["expected: below one half from 30 to 60 layers on"],
    )
