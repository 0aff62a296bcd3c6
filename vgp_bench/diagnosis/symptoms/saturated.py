"""Saturated: a stage whose units sit where a sigmoid or tanh is flat, on nearly every input (Glorot & Bengio 2010)."""

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Evidence, Symptom
from vgp_bench.diagnosis.looks import Look, Seen, lasting, looks
from vgp_bench.diagnosis.thresholds import FLAT_SLOPE

RANK = 25


def find(case: Case) -> Symptom | None:
    """The symptom at the last probed step."""
    return lasting("saturated", looks(case, "probes"), _seen)


def _seen(look: Look) -> Seen | None:
    slope = look.hidden("slope_mean").astype(float)
    # Only what flattens at both ends has saturated units; a flat ReLU is silent, which is no fault.
    flat = np.flatnonzero((slope < FLAT_SLOPE) & ~np.isnan(look.hidden("saturated_units").astype(float)))
    if not len(flat):
        return None
    worst = int(flat[0])
    evidence = Evidence.exact(
        "mean slope of the stage's activations, as a share of the greatest", float(slope[worst]), FLAT_SLOPE
    )
    return evidence, worst
