"""Saturated: a stage whose units sit where a sigmoid or tanh is flat, on nearly every input (Glorot & Bengio 2010)."""

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Evidence, Symptom
from vgp_bench.diagnosis.looks import Look, Seen, lasting, looks
from vgp_bench.diagnosis.thresholds import FLAT_SLOPE, FLAT_UNITS

RANK = 40


def find(case: Case) -> Symptom | None:
    """The symptom at the last probed step."""
    return lasting("saturated", looks(case, "probes"), _seen)


def _seen(look: Look) -> Seen | None:
    units = look.hidden("saturated_units").astype(float)
    flat = np.flatnonzero((units > FLAT_UNITS) & (look.hidden("slope_mean").astype(float) < FLAT_SLOPE))
    if not len(flat):
        return None
    worst = int(flat[0])
    value = float(units[worst])
    evidence = Evidence.exact("saturated share of the stage's units", value, FLAT_UNITS)
    return evidence, worst
