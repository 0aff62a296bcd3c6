"""Exploding along depth: outputs in the thousands, or a first stage whose least change overturns them (chaos)."""

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Evidence, Symptom
from vgp_bench.diagnosis.looks import Look, Seen, lasting, looks
from vgp_bench.diagnosis.reach import reach
from vgp_bench.diagnosis.thresholds import FEWEST_STAGES, GREAT_REACH

RANK = 30


def find(case: Case) -> Symptom | None:
    """The symptom at the last probed step."""
    return lasting("exploding", looks(case, "probes"), _seen, "depth")


def _seen(look: Look) -> Seen | None:
    reached = reach(look)
    if len(reached) < FEWEST_STAGES:
        return None
    if np.isnan(reached).all():
        return None
    worst = int(np.nanargmax(reached))
    value = float(reached[worst])
    if value <= GREAT_REACH:
        return None
    evidence = Evidence.exact("outputs moved per relative change of a stage", value, GREAT_REACH)
    return evidence, worst
