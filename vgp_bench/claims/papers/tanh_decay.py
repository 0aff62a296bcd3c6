"""tanh-decay: the factor per layer of ||dL/dh_l|| in tanh nets at initialization, default against Xavier."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import Curve, curves
from vgp_bench.claims.evidence import Evidence, Observed, summary_figure
from vgp_bench.claims.layers import GRADIENT, at_start
from vgp_bench.records.signal import LEFT_OUT_FIRST, LEFT_OUT_LAST
from vgp_bench.report.drawing.legend import DEPTH_AXIS
from vgp_bench.theory.mean_field import ACTIVATIONS, normal_mean, variance_map

WEIGHT_VARIANCES = {"pytorch_default": 1 / 3, "xavier": 1.0}
"""fan_in * Var(W)."""
BIAS_VARIANCES = {"pytorch_default": 1 / (3 * 256), "xavier": 0.0}

decay = summary_figure("initial_decay_per_layer")


def gain_above(one: Observed) -> float:
    """Factor per layer in the upper half of the fitted layers, less that in the lower half."""
    _, gradient = at_start(one, GRADIENT)
    log = np.log(gradient[LEFT_OUT_FIRST:-LEFT_OUT_LAST])
    middle = len(log) // 2
    below, above = log[: middle + 1], log[middle:]
    factors = [math.exp((part[0] - part[-1]) / (len(part) - 1)) for part in (below, above)]
    return factors[1] - factors[0]


def check(evidence: Evidence) -> list[Check]:
    return [
        *(judged(evidence.expected(arm), evidence.each(decay, arm)) for arm in WEIGHT_VARIANCES),
        judged(evidence.expected("xavier nearer 1 above"), evidence.each(gain_above, "xavier")),
    ]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    lines = []
    for arm in WEIGHT_VARIANCES:
        found = [at_start(one, GRADIENT) for one in evidence.cells(arm) if one.record is not None]
        values = [list(gradient / gradient[-1]) for _, gradient in found]
        depth = list(found[0][0]) if found else []
        lines.append(Curve(arm, depth, values, predicted(arm, len(depth))))
    y = r"$\Vert\partial L/\partial h_l\Vert$ / that of the last hidden layer"
    return curves("Gradient of a 20-layer tanh MLP", DEPTH_AXIS, y, lines)


def predicted(arm: str, layers: int) -> list[float]:
    """||dL/dh_l|| of layer 1 to the last in units of the last one's, at infinite width, for inputs of mean square 1.

    The variance of the pre-activations is iterated from layer to layer (Poole et al. 2016, eq. 3): chi of Schoenholz
    et al. 2017, eq. 5, before it has settled.
    """
    tanh, weight, bias = ACTIVATIONS["tanh"], WEIGHT_VARIANCES[arm], BIAS_VARIANCES[arm]
    q, factors = weight + bias, []
    for _ in range(layers - 1):
        q = variance_map(tanh, q, weight, bias)  # of the layer above
        factors.append(math.sqrt(weight * normal_mean(lambda z: tanh.derivative(z) ** 2, q)))
    return [math.prod(factors[below:]) for below in range(layers)]
