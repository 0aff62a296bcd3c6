"""sigmoid-chance: accuracy of plain sigmoid networks by depth, the learning rate tuned at each."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import curves
from vgp_bench.claims.drawing.levels import level_curve
from vgp_bench.claims.evidence import Evidence, learned
from vgp_bench.claims.layers import first_to_last
from vgp_bench.claims.tuned import difference, tuned, tuned_along

ARM = "sigmoid"
NUMBERS = {"one": 1, "two": 2, "three": 3, "seven": 7, "nine": 9}


def check(evidence: Evidence) -> list[Check]:
    return [judged(expected, _figures(evidence, name)) for name, expected in evidence.scale.expect.items()]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    accuracy = tuned_along(evidence, learned(), ARM, "depth")
    return curves(
        "Plain sigmoid networks, each depth at its best learning rate",
        "hidden layers",
        "test accuracy",
        [level_curve(ARM, accuracy)],
        log_y=False,
        notes=["chance is .1"],
    )


def _figures(evidence: Evidence, name: str) -> dict[int, float]:
    if name == "first_layer_update":
        return tuned(evidence, first_to_last("update_ratio"), ARM, depth=7)
    number, _, other = name.partition("_over_")
    ours = tuned(evidence, learned(), ARM, depth=NUMBERS[number.partition("_")[0]])
    return difference(ours, tuned(evidence, learned(), ARM, depth=NUMBERS[other])) if other else ours
