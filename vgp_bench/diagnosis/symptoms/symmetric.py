"""Symmetric: all units of a stage do the same and get the same gradient, so that they will do so for ever."""

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Evidence, Symptom
from vgp_bench.diagnosis.looks import Look, Seen, lasting, looks
from vgp_bench.diagnosis.thresholds import SPREAD

RANK = 10


def find(case: Case) -> Symptom | None:
    """The symptom at the last probed step."""
    return lasting("symmetric", looks(case, "probes"), _seen)


def _seen(look: Look) -> Seen | None:
    rows = look.hidden("weight_spread").astype(float)
    same = np.flatnonzero((rows < SPREAD) & (look.hidden("unit_spread").astype(float) < SPREAD))
    if not len(same):
        return None
    worst = int(same[0])
    value = float(rows[worst])
    evidence = Evidence.exact("difference between the rows of the stage's weights", value, SPREAD)
    return evidence, worst
