"""layer-speeds: the gradient that hidden layers get, layer by layer, at the start and during training."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged, trend
from vgp_bench.claims.drawing.curves import Curve, curves
from vgp_bench.claims.evidence import Evidence, Observed, Statistic
from vgp_bench.claims.layer_rows import hidden_rows

ARM, DEPTHS = "sigmoid", (2, 3, 4)
SPEED = "activation_gradient_l2"


def step_between_layers(one: Observed) -> float:
    """Geometric mean of the speed of a layer over that of the one before it, at the start."""
    speed = hidden_rows(one, SPEED)[1][0]
    return float((speed[-1] / speed[0]) ** (1 / (len(speed) - 1)))


def mean_speed(layer: int) -> Statistic:
    """Geometric mean over training of the speed of a hidden layer, from 0."""

    def value(one: Observed) -> float:
        return float(np.exp(np.mean(np.log(hidden_rows(one, SPEED)[1][:, layer]))))

    return value


def check(evidence: Evidence) -> list[Check]:
    steps = [
        judged(evidence.expected(f"step_of_{depth}_layers"), evidence.each(step_between_layers, ARM, depth=depth))
        for depth in DEPTHS
    ]
    layers: dict[object, dict[int, float]] = {
        layer: evidence.each(mean_speed(layer), ARM, depth=4) for layer in range(4)
    }
    return [*steps, trend(evidence.expected("later_is_faster"), layers)]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    runs = [hidden_rows(one, SPEED) for one in evidence.cells(ARM, depth=4) if one.record is not None]
    steps = runs[0][0] if runs else []
    lines = [
        Curve(f"hidden layer {layer + 1}", steps, [list(speed[:, layer]) for _, speed in runs]) for layer in range(4)
    ]
    title = "Speed of the layers of a sigmoid network with four hidden layers"
    return curves(title, "step", r"$\Vert\partial L/\partial h_l\Vert$", lines, around=1e-3)
