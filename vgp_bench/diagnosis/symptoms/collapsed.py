"""Collapsed: the last hidden signal is the same for every input (the ordered phase of Poole et al. 2016).

Where nothing else explains a stall, it is enough that it is very nearly the same.
"""

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Evidence, Symptom
from vgp_bench.diagnosis.looks import Look, Seen, lasting, looks
from vgp_bench.diagnosis.thresholds import FAINT_SHARE, INPUT_SHARE

RANK = 80


def find(case: Case) -> Symptom | None:
    """The symptom at the last probed step."""
    return _below(INPUT_SHARE, case)


def find_faint(case: Case) -> Symptom | None:
    """The same of a signal that is left, but too faint to be learned from in the time there is.

    Not along a time axis: who has forgotten the input has a state that hardly depends on it, in a network of any depth.
    """
    return None if case.time_steps else _below(FAINT_SHARE, case)


def _below(limit: float, case: Case) -> Symptom | None:
    return lasting("collapsed", looks(case, "probes"), lambda look: _seen(look, limit))


def _seen(look: Look, limit: float) -> Seen | None:
    share = look.hidden("input_share").astype(float)
    if not len(share) or not share[-1] < limit:
        return None
    first = int(np.flatnonzero(~(share < limit))[-1]) + 1 if (share >= limit).any() else 0
    value = float(share[-1])
    evidence = Evidence.exact("share of the last hidden signal that depends on the input", value, limit)
    return evidence, first
