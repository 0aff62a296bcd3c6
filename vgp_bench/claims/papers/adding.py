"""adding: squared error and steps to learn the adding problem, by recurrent network and its start."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import Curve, curves
from vgp_bench.claims.evidence import Evidence, Observed, Statistic, summary_figure
from vgp_bench.claims.learning_curves import steps_until_loss
from vgp_bench.claims.tuned import difference

test_loss, validation_loss = summary_figure("test_loss"), summary_figure("validation_loss")
steps = steps_until_loss(0.1)


def check(evidence: Evidence) -> list[Check]:
    found = []
    for name, expected in evidence.scale.expect.items():
        statistic = steps if "_steps_over_" in name else test_loss
        arms = name.replace("_steps_over_", "_over_").split("_over_")
        sides = [{one.seed: _value(statistic, one) for one in _best(evidence, arm)} for arm in arms]
        found.append(judged(expected, difference(*sides) if len(sides) == 2 else sides[0]))
    return found


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    lines = []
    for arm in evidence.scale.arms:
        tables = [one.record.columns("epochs") for one in _best(evidence, arm) if one.record is not None]
        if tables:
            shortest = min(tables, key=lambda table: len(table["step"]))
            n = len(shortest["step"])
            losses = [list(table["validation_loss"][:n]) for table in tables]
            lines.append(Curve(arm, [float(x) for x in np.asarray(shortest["step"])], losses))
    return curves(
        "The adding problem",
        "steps",
        "squared error on validation sequences",
        lines,
        around=1 / 6,
        notes=["chance is 1/6"],
    )


def _best(evidence: Evidence, arm: str) -> list[Observed]:
    """The runs of an arm, at its best learning rate if there are several."""
    if not evidence.scale.grid:
        return evidence.cells(arm)
    rate, _ = evidence.best(validation_loss, arm, largest=False)
    return evidence.cells(arm, lr=rate)


def _value(statistic: Statistic, one: Observed) -> float:
    return statistic(one) if one.record is not None else float("nan")
