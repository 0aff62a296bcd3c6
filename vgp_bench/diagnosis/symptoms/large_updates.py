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
    size = np.asarray(case.column("layers", "weight_l2"), dtype=float)
    # A stage that starts at 0, as the last one of a branch may, soon doubles, and well it does; and one that weight
    # decay has shrunk to nothing moves by much of that, and by nothing of what it was.
    began = np.zeros(int(stages.max()) + 1) if len(stages) else np.zeros(0)
    first = steps == steps.min() if len(steps) else np.zeros(0, dtype=bool)
    began[stages[first].astype(int)] = np.nan_to_num(size[first])
    start = began[stages.astype(int)]
    ratio = np.asarray(case.column("layers", "update_ratio"), dtype=float)
    moved = ratio * np.minimum(1, size / np.where(start > 0, start, 1))
    usable = np.isfinite(moved) & (start > 0) & (steps + SETTLED <= case.last_step)
    steps, moved = steps[usable], moved[usable]
    if not len(steps):
        return None
    order = np.argsort(steps, kind="stable")
    known, cuts = np.unique(steps[order], return_index=True)
    medians = np.array([np.median(part) for part in np.split(moved[order], cuts[1:])])
    value = float(medians.max())
    if not value > LARGE_UPDATE:
        return None
    onset = int(known[np.flatnonzero(medians > LARGE_UPDATE)[0]])
    statistic = "greatest step of the median stage, over its size"
    return Symptom("unstable", Evidence.exact(statistic, value, LARGE_UPDATE), onset)
