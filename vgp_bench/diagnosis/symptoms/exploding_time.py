"""Exploding along time: what is long ago outweighs the present (Bengio et al. 1994).

Read from dL/dh_t of the first recurrent layer, an LSTM's dL/dc_t; where it is read in both directions, of the larger
one.
"""

import numpy as np
from numpy.typing import NDArray

from vgp_bench.diagnosis.along_time import Seen, lasting, swollen
from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Evidence, Symptom
from vgp_bench.diagnosis.thresholds import GREAT_TIME_RATIO

RANK = 32


def find(case: Case) -> Symptom | None:
    """The symptom at the last probed step."""
    return lasting("exploding", case, _seen, swollen)


def _seen(lag: NDArray[np.floating], ratio: NDArray[np.floating]) -> Seen | None:
    value = float(ratio.max())
    if value <= GREAT_TIME_RATIO:
        return None
    evidence = Evidence.exact("gradient of an early time step over the last one's", value, GREAT_TIME_RATIO)
    return evidence, int(lag[np.flatnonzero(ratio > GREAT_TIME_RATIO)[0]])
