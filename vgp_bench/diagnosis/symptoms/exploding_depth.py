"""Exploding along depth: outputs in the thousands, or a first stage whose least change overturns them (chaos)."""

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Evidence, Symptom
from vgp_bench.diagnosis.looks import Look, Seen, lasting
from vgp_bench.diagnosis.reach import grown_at, reach
from vgp_bench.diagnosis.signal_looks import signal_looks
from vgp_bench.diagnosis.thresholds import FEWEST_STAGES, GREAT_REACH

RANK = 30


def find(case: Case) -> Symptom | None:
    """The symptom at the last probed step."""
    return lasting("exploding", signal_looks(case), _seen, "depth")


def _seen(look: Look) -> Seen | None:
    reached = reach(look)
    if len(reached) < FEWEST_STAGES:
        return None
    if np.isnan(reached).all():
        return None
    value = float(np.nanmax(reached))
    if value <= GREAT_REACH:
        return None
    evidence = Evidence.exact("outputs moved per relative change of a stage", value, GREAT_REACH)
    # Where no stage alone does it, it begins with the first one that is out of bounds.
    return evidence, grown_at(look) or int(np.flatnonzero(reached > GREAT_REACH)[0])
