"""layernorm-position: ||dL/dW|| of the last feed-forward by the number of layers, post- and pre-LN."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import Curve, curves
from vgp_bench.claims.evidence import Evidence, measured
from vgp_bench.claims.power_law import exponents

last_feed_forward = measured("last_feed_forward", "gradient")

EXPONENTS = {"post": 0.0, "pre": -0.5}


def check(evidence: Evidence) -> list[Check]:
    fitted = {arm: exponents(evidence.along(last_feed_forward, arm, "blocks")) for arm in EXPONENTS}
    ratio = evidence.paired(last_feed_forward, "pre", "post", {"blocks": 48}, ratio=True)
    return [
        *(judged(evidence.expected(arm), fitted[arm]) for arm in EXPONENTS),
        judged(evidence.expected("pre_below_post"), ratio),
    ]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    lines = []
    for arm, exponent in EXPONENTS.items():
        found = evidence.along(last_feed_forward, arm, "blocks")
        values = [list(row) for row in zip(*(figures.values() for figures in found.values()), strict=True)]
        start = sum(row[0] for row in values) / len(values)
        predicted = [start * (depth / next(iter(found))) ** exponent for depth in found]
        lines.append(Curve(f"{arm}-LN", list(found), values, predicted))
    return curves(
        "Transformer before training: gradient of the last feed-forward",
        "layers L",
        r"$\Vert\partial L/\partial W\Vert$",
        lines,
        log_x=True,
        around=0.1,
        notes=["Predicted: constant (post-LN), 1 / sqrt(L) (pre-LN), from the first point on"],
    )
