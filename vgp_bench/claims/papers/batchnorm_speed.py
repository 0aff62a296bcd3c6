"""batchnorm-speed: steps to an accuracy with and without batch normalization, each at its fastest learning rate."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import Curve, curves
from vgp_bench.claims.evidence import Evidence
from vgp_bench.claims.training_figures import steps_to
from vgp_bench.claims.tuned import tuned

TARGET = 0.9
steps = steps_to(TARGET)


def check(evidence: Evidence) -> list[Check]:
    plain, batch = (tuned(evidence, steps, arm, steps, largest=False) for arm in ("plain", "batch"))
    ratio = {seed: batch[seed] / plain[seed] for seed in batch if seed in plain}
    return [judged(evidence.expected("steps_with_over_without"), ratio)]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    names = {"plain": "without", "batch": "with batch normalization"}
    return curves(
        "Three layers of 100 sigmoid units, each side at its fastest learning rate",
        "step",
        "validation accuracy",
        [_curve(evidence, arm, name) for arm, name in names.items()],
        log_y=False,
    )


def _curve(evidence: Evidence, arm: str, name: str) -> Curve:
    rate, _ = evidence.best(steps, arm, largest=False)
    tables = [one.record.columns("epochs") for one in evidence.cells(arm, lr=rate) if one.record is not None]
    shortest = min((len(table["step"]) for table in tables), default=0)
    x = [float(step) for step in tables[0]["step"][:shortest]] if tables else []
    return Curve(name, x, [list(np.asarray(table["validation_accuracy"][:shortest])) for table in tables])
