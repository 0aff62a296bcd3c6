"""copy-memory: test loss against the memoryless baseline 10 ln 8 / (T + 20), by start of the LSTM."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import Curve, curves
from vgp_bench.claims.evidence import Evidence, summary_figure
from vgp_bench.claims.tuned import difference, tuned
from vgp_bench.data.copy_memory import COPIED, SYMBOLS

test_loss, validation_loss = summary_figure("test_loss"), summary_figure("validation_loss")


def check(evidence: Evidence) -> list[Check]:
    found = []
    for name, expected in evidence.scale.expect.items():
        sides = [tuned(evidence, test_loss, arm, validation_loss, largest=False) for arm in name.split("_over_")]
        found.append(judged(expected, difference(*sides) if len(sides) == 2 else sides[0]))
    return found


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    lines = []
    for arm in evidence.scale.arms:
        rate, _ = evidence.best(validation_loss, arm, largest=False)
        runs = [one.record for one in evidence.cells(arm, lr=rate) if one.record is not None]
        if not runs:
            continue
        tables = [run.columns("epochs") for run in runs]
        steps = np.asarray(tables[0]["step"], dtype=float)
        delay = int(runs[0].config["dataset"]["delay"])
        baseline = [COPIED * math.log(SYMBOLS) / (delay + 2 * COPIED)] * len(steps)
        losses = [list(table["validation_loss"]) for table in tables if len(table["step"]) == len(steps)]
        lines.append(Curve(arm, list(steps), losses, baseline))
    return curves("Copy memory", "steps", "validation loss (nats)", lines, log_y=False, notes=["dashed: no memory"])
