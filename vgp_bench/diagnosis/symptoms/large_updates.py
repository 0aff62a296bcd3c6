"""Unstable from too large a step: in one step most stages moved by more than they are large.

What the network is afterwards has little to do with its initialization, whatever it was. Where the gradient explodes
along with it, that is the name of it; and where the loss is lost at once, it diverged.
"""

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Evidence, Symptom
from vgp_bench.diagnosis.symptoms import blow_up
from vgp_bench.diagnosis.thresholds import LARGE_UPDATE, SETTLED

RANK = 36


def find(case: Case) -> Symptom | None:
    """The symptom over the logged steps up to SETTLED before the last: the greatest step of the median stage."""
    if blow_up.find(case) is not None:
        return None
    steps, stages = case.column("layers", "step"), case.column("layers", "stage")
    moved = np.asarray(case.column("layers", "update_ratio"), dtype=float)
    # A stage that starts at 0, as the last one of a branch may, soon doubles, and well it does.
    start = np.asarray(case.column("layers", "weight_l2"), dtype=float) > 0
    began = stages[start & (steps == steps.min())] if len(steps) else stages
    usable = np.isfinite(moved) & np.isin(stages, began) & (steps + SETTLED <= case.last_step)
    known, place = np.unique(steps[usable], return_inverse=True)
    if not len(known):
        return None
    medians = np.array([np.median(moved[usable][place == index]) for index in range(len(known))])
    value = float(medians.max())
    if not value > LARGE_UPDATE:
        return None
    onset = int(known[np.flatnonzero(medians > LARGE_UPDATE)[0]])
    statistic = "greatest step of the median stage, over its size"
    return Symptom("unstable", Evidence.exact(statistic, value, LARGE_UPDATE), onset)
