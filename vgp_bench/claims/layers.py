"""Statistics of the hidden layers at initialization, read off the record of a run or off a measurement."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgp_bench.claims.evidence import NotMeasured, Observed, Statistic
from vgp_bench.records.signal import decay_per_layer, gradient_ratio

MEASUREMENT = "hidden_layers"
GRADIENT, WEIGHT_GRADIENT = "activation_gradient_l2", "weight_gradient_l2"


def at_start(one: Observed, column: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Depth and one column of the layer table (docs/columns.md), hidden stages before the first step, in order.

    Taken from the measurement if the scale has it, else from the record. Raises NotMeasured if there is neither.
    """
    if found := one.measured.get(MEASUREMENT):
        return np.asarray(found["depth"], dtype=float), np.asarray(found[column], dtype=float)
    layers = one.ended.columns("layers")
    chosen = (np.asarray(layers["step"]) == 0) & (np.asarray(layers["kind"], dtype=object) == "hidden")
    if not chosen.any():
        raise NotMeasured("no layer was measured at step 0")
    depth, values = (np.asarray(layers[name], dtype=float)[chosen] for name in ("depth", column))
    order = np.argsort(depth, kind="stable")
    return depth[order], values[order]


def factor_per_layer(column: str = GRADIENT) -> Statistic:
    """Factor by which a column changes per weight layer going down, fitted as Summary's decay is."""
    return lambda one: decay_per_layer(*at_start(one, column)).rho


def first_to_last(column: str = GRADIENT) -> Statistic:
    """The column in the first hidden stage over that in the last one."""
    return lambda one: gradient_ratio(at_start(one, column)[1])


def mean_from(column: str, share: float = 0.0) -> Statistic:
    """Mean of the column over the hidden stages, without the first `share` of them."""

    def value(one: Observed) -> float:
        _, values = at_start(one, column)
        return float(values[round(share * len(values)) :].mean())

    return value
