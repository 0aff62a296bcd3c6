"""adam-eps: the first step of Adam by the size of the gradient."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import Curve, curves
from vgp_bench.claims.evidence import Evidence, Observed, Statistic
from vgp_bench.claims.measurements.adam_step import SIZES

EPS = 1e-8


def check(evidence: Evidence) -> list[Check]:
    return [
        *(
            judged(evidence.expected(f"gradient_1e-{exponent}"), evidence.each(_step(10.0**-exponent), "adam"))
            for exponent in (6, 7, 8, 10)
        ),
        judged(evidence.expected("true_gradients"), evidence.each(_difference, "adam")),
    ]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    steps = [one.measured["adam_step"]["step"] for one in evidence.cells("adam") if one.measured]
    predicted = [size / (size + EPS) for size in SIZES]
    return curves(
        "First step of Adam",
        "size of the gradient |g| of a weight",
        "step / learning rate",
        [Curve("Adam, eps = 1e-8", SIZES, steps, predicted)],
        log_x=True,
        notes=["Predicted: |g| / (|g| + eps)"],
    )


def _step(size: float) -> Statistic:
    return lambda one: one.measured["adam_step"]["step"][SIZES.index(size)]


def _difference(one: Observed) -> float:
    found = one.measured["adam_step"]
    return max(abs(a - b) for a, b in zip(found["layer_step"], found["layer_formula"], strict=True))
