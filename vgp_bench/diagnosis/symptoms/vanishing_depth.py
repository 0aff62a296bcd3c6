"""Vanishing along depth: the first stages can no longer move the outputs.

Two statistics, each blind where the other sees. The span: decades by which S_l = E ||h_l|| ||dL/dh_l|| falls on its way
down, a straight line in log S for homogeneous networks (Schoenholz et al. 2017: slope log10 sqrt(chi_1)). The reach: by
how much the outputs move for a relative change of the first stage; it also falls in near-linear networks, in which the
signal shrinks upwards as the gradient shrinks downwards, so that S stays level.
"""

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Evidence, Symptom
from vgp_bench.diagnosis.looks import Look, Seen, lasting
from vgp_bench.diagnosis.reach import lost_at, reach, span
from vgp_bench.diagnosis.signal_looks import signal_looks
from vgp_bench.diagnosis.thresholds import FEWEST_STAGES, REACH, SPAN

RANK = 60


def find(case: Case) -> Symptom | None:
    """The symptom at the last probed step."""
    return lasting("vanishing", signal_looks(case), _seen, "depth")


def _seen(look: Look) -> Seen | None:
    reached = reach(look)
    if len(reached) < FEWEST_STAGES or not np.isfinite(reached).any():
        return None
    line = span(look)
    first = float(reached[np.isfinite(reached)][0])
    place = lost_at(look)
    if first < REACH:
        return Evidence.exact("outputs moved per relative change of the first stage", first, REACH), place
    if line.low > SPAN:
        return Evidence("decades of sensitivity lost over the depth", *line, SPAN), place
    return None
