"""Collapsed: the last hidden signal is the same for every input (the ordered phase of Poole et al. 2016)."""

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Evidence, Symptom
from vgp_bench.diagnosis.looks import Look, Seen, lasting, looks
from vgp_bench.diagnosis.thresholds import INPUT_SHARE

RANK = 80


def find(case: Case) -> Symptom | None:
    """The symptom at the last probed step."""
    return lasting("collapsed", looks(case, "probes"), _seen)


def _seen(look: Look) -> Seen | None:
    share = look.hidden("input_share").astype(float)
    if not len(share) or not share[-1] < INPUT_SHARE:
        return None
    first = int(np.flatnonzero(~(share < INPUT_SHARE))[-1]) + 1 if (share >= INPUT_SHARE).any() else 0
    value = float(share[-1])
    evidence = Evidence.exact("share of the last hidden signal that depends on the input", value, INPUT_SHARE)
    return evidence, first
