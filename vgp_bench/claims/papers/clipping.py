"""clipping: the ratios of ||dL/dW_l|| between layers before and after clipping by the global norm."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import Curve, curves
from vgp_bench.claims.evidence import Evidence, Observed

ARMS = ("sigmoid", "tanh", "relu")


def check(evidence: Evidence) -> list[Check]:
    acted = [evidence.each(lambda one: one.measured["clipped_gradients"]["acted"][0], arm) for arm in ARMS]
    changes = [evidence.each(_change, arm) for arm in ARMS]
    return [
        judged(evidence.expected("acted"), {seed: float(np.min([arm[seed] for arm in acted])) for seed in acted[0]}),
        judged(
            evidence.expected("ratios_change"),
            {seed: float(np.max([arm[seed] for arm in changes])) for seed in changes[0]},
        ),
        judged(evidence.expected("first_layer_grows"), evidence.each(_first, "sigmoid")),
    ]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    lines = []
    for arm in ARMS:
        found = [one.measured["clipped_gradients"] for one in evidence.cells(arm) if one.measured]
        layers = range(1, len(found[0]["before"]) + 1) if found else ()
        lines += [Curve(f"{arm}, {when}", layers, [one[when] for one in found]) for when in ("before", "after")]
    title = "Gradient of the weights before and after clipping to norm .001"
    return curves(title, "layer, from the input", r"$\Vert\partial L/\partial W_l\Vert$", lines)


def _change(one: Observed) -> float:
    """Largest relative change of the ratio of a layer's gradient to the last layer's."""
    before, after = (np.asarray(one.measured["clipped_gradients"][when]) for when in ("before", "after"))
    return float(np.abs(after / after[-1] / (before / before[-1]) - 1).max())


def _first(one: Observed) -> float:
    found = one.measured["clipped_gradients"]
    return found["after"][0] / found["before"][0]
