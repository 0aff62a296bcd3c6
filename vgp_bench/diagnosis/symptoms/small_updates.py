"""Update too small: not even the stage that moves most moves by as much as would matter."""

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Evidence, Symptom
from vgp_bench.diagnosis.thresholds import SMALL_UPDATE, STIRRING
from vgp_bench.diagnosis.updates import largest_updates

RANK = 65


def find(case: Case) -> Symptom | None:
    """The symptom at the end, if it has been there for half of the record: an end that is slow on purpose is none."""
    known, ratios = largest_updates(case, with_gradient=True)
    large = np.flatnonzero(ratios >= STIRRING * SMALL_UPDATE)
    first = int(large[-1]) + 1 if len(large) else 0
    if first == len(ratios) or 2 * int(known[first]) > case.last_step:
        return None
    ratios = ratios[first:]
    value = float(np.median(ratios))
    if value >= SMALL_UPDATE:
        return None
    low, high = (float(bound) for bound in np.quantile(ratios, [0.025, 0.975]))
    evidence = Evidence("update-to-weight ratio of the stage that moves most", value, low, high, SMALL_UPDATE)
    return Symptom("update too small", evidence, int(known[first]))
