"""Update too small: not even the stage that moves most moves by as much as would matter."""

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Evidence, Symptom
from vgp_bench.diagnosis.thresholds import SMALL_UPDATE

RANK = 38


def find(case: Case) -> Symptom | None:
    """The symptom over all logged steps."""
    steps = case.column("layers", "step")
    moved = np.asarray(case.column("layers", "update_ratio"), dtype=float)
    gradient = np.asarray(case.column("layers", "weight_gradient_l2"), dtype=float)
    usable = ~np.isnan(moved) & ~(gradient == 0)  # without a gradient it is not the optimizer that makes no step
    steps, moved = steps[usable], moved[usable]
    if not len(moved):
        return None
    known, place = np.unique(steps, return_inverse=True)
    ratios = np.zeros(len(known))
    np.maximum.at(ratios, place, moved)  # the stage that moves most, at each step
    value = float(np.median(ratios))
    if value >= SMALL_UPDATE:
        return None
    low, high = (float(bound) for bound in np.quantile(ratios, [0.025, 0.975]))
    evidence = Evidence("update-to-weight ratio of the stage that moves most", value, low, high, SMALL_UPDATE)
    return Symptom("update too small", evidence, onset=0)
