"""Dead units: a stage most of whose units are 0 on the whole probe set (Lu et al. 2019)."""

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Evidence, Symptom
from vgp_bench.diagnosis.looks import Look, Seen, lasting, looks
from vgp_bench.diagnosis.thresholds import AWAKE, DEAD, DEAD_AWAKE, DEAD_LOOKS

RANK = 50


def find(case: Case) -> Symptom | None:
    """The symptom at the last step at which units were counted."""
    shares = {look.step: look for look in looks(case, "probes")}
    counted = looks(case, "layers", "dead_fraction")
    return lasting("dead units", counted, lambda look: _seen(look, shares.get(look.step)), in_a_row=DEAD_LOOKS)


def _seen(look: Look, probed: Look | None) -> Seen | None:
    dead = look.hidden("dead_fraction").astype(float)
    shares = dict(zip(probed.hidden("stage"), probed.hidden("input_share"), strict=True)) if probed is not None else {}
    awake = np.array([shares.get(stage, 0.0) > AWAKE for stage in look.hidden("stage")])
    limit = np.where(awake, DEAD_AWAKE, DEAD)
    over = np.flatnonzero(dead >= limit)
    if not len(over):
        return None
    # What lies above a dead stage gets no input from it and may look dead too: the lowest one is the cause.
    worst = int(over[dead[over] >= dead[over].max() - 1e-9][0])
    value = float(dead[worst])
    evidence = Evidence.exact("dead share of the stage's units", value, float(limit[worst]))
    return evidence, worst
