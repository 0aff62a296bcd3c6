"""The gradient along time: vanished, or exploded, between the last time step and the first (Hochreiter 1991)."""

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Evidence, Symptom
from vgp_bench.diagnosis.thresholds import GREAT_TIME_RATIO, TIME_RATIO
from vgp_bench.records.time_signal import last_layer

RANK = 70


def find(case: Case) -> Symptom | None:
    """The symptom at the last probed step."""
    times = case.tables["times"]
    found: tuple[Symptom, int] | None = None
    for step in reversed(np.unique(np.asarray(times["step"])).tolist()):
        lag, gradient = last_layer(times, int(step), "state_gradient_l2")
        symptom = _seen(lag, gradient, int(step))
        if symptom is None or (found is not None and symptom.verdict != found[0].verdict):
            break
        found = (found[0] if found else symptom, int(step))
    if found is None:
        return None
    symptom, onset = found
    return Symptom(symptom.verdict, symptom.evidence, onset, "time", lag=symptom.lag)


def _seen(lag: np.ndarray, gradient: np.ndarray, step: int) -> Symptom | None:
    if len(gradient) < 3 or not np.isfinite(gradient).all() or gradient[0] == 0:
        return None
    ratio = gradient / gradient[0]
    value = float(ratio[-1])
    if value < TIME_RATIO:
        beyond = int(lag[np.flatnonzero(ratio < TIME_RATIO)[0]])
        evidence = Evidence.exact("gradient of the first time step over the last one's", value, TIME_RATIO)
        return Symptom("vanishing", evidence, step, "time", lag=beyond)
    value = float(ratio.max())
    if value > GREAT_TIME_RATIO:
        beyond = int(lag[np.flatnonzero(ratio > GREAT_TIME_RATIO)[0]])
        evidence = Evidence.exact("gradient of an early time step over the last one's", value, GREAT_TIME_RATIO)
        return Symptom("exploding", evidence, step, "time", lag=beyond)
    return None
