"""Exploding in the course of training: the gradient grew far beyond itself before the loss left the finite."""

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Evidence, Symptom
from vgp_bench.diagnosis.thresholds import GROWTH

RANK = 35


def find(case: Case) -> Symptom | None:
    """The symptom over the logged steps: the greatest gradient norm over the median of those before it."""
    steps, norms = case.column("steps", "step"), np.asarray(case.column("steps", "gradient_l2"), dtype=float)
    known = np.flatnonzero(~np.isnan(norms))
    steps, norms = steps[known], norms[known]
    if len(norms) < 2:
        return None
    worst = int(np.argmax(norms))
    before = float(np.median(norms[: max(worst, 1)]))
    value = float(norms[worst]) / before if before > 0 else 0.0
    if not value > GROWTH:
        return None
    onset = int(steps[np.flatnonzero(norms > GROWTH * before)[0]])
    return Symptom("exploding", Evidence.exact("growth of the gradient norm", value, GROWTH), onset)
