"""Vanishing along time: the first time steps have no say in the loss any more (Hochreiter 1991).

Read from dL/dh_t of the first recurrent layer, an LSTM's dL/dc_t: inputs act on nothing else. Where it is read in both
directions, of the better one.
"""

import numpy as np
from numpy.typing import NDArray

from vgp_bench.diagnosis.along_time import Seen, heard, lasting
from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Evidence, Symptom
from vgp_bench.diagnosis.thresholds import TIME_RATIO

RANK = 70


def find(case: Case) -> Symptom | None:
    """The symptom at the last probed step."""
    return lasting("vanishing", case, _seen, heard)


def _seen(lag: NDArray[np.floating], ratio: NDArray[np.floating]) -> Seen | None:
    value = float(ratio[-1])
    if value >= TIME_RATIO:
        return None
    evidence = Evidence.exact("gradient of the first time step over the last one's", value, TIME_RATIO)
    return evidence, int(lag[np.flatnonzero(ratio < TIME_RATIO)[0]])
