"""short-paths: which lengths of paths through a residual net carry its gradient."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vgp_bench.claims.checks import Check, judged, trend
from vgp_bench.claims.drawing.curves import Curve, curves
from vgp_bench.claims.evidence import Evidence, Observed
from vgp_bench.claims.measurements.path_gradients import LENGTHS


def check(evidence: Evidence) -> list[Check]:
    by_length = {
        length: evidence.each(lambda one, i=i: one.measured["path_gradients"]["norm"][i], "resnet")  # type: ignore[misc]
        for i, length in enumerate(LENGTHS)
    }
    return [
        judged(evidence.expected("peak"), evidence.each(lambda one: float(np.argmax(_share(one))), "resnet")),
        judged(evidence.expected("share_5_to_17"), evidence.each(lambda one: float(_share(one)[5:18].sum()), "resnet")),
        trend(evidence.expected("norm_of_a_path"), by_length),
    ]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    found = [one for one in evidence.cells("resnet") if one.measured]
    shares = [list(_share(one)) for one in found]
    lengths = range(len(shares[0])) if shares else ()
    blocks = len(lengths) - 1
    paths = [math.comb(blocks, length) / 2**blocks for length in lengths]
    lines = [Curve("gradient (number x size)", lengths, shares), Curve("number of paths", lengths, [paths])]
    title = f"Paths through {blocks} residual blocks"
    note = ["Veit et al. 2016: the gradient comes from lengths 5 to 17"]
    return curves(title, "blocks that a path goes through", "share of all paths", lines, log_y=False, notes=note)


def _share(one: Observed) -> NDArray[np.float64]:
    """Number of paths times the gradient along one, over all lengths 0 ... blocks; adds up to 1. The logarithm of the
    gradient is a parabola through what was measured: single paths scatter more than it bends."""
    found = one.measured["path_gradients"]
    blocks = int(found["blocks"][0])
    lengths = np.arange(blocks + 1)
    size = np.polyval(np.polyfit(found["length"], np.log(found["norm"]), 2), lengths)
    logarithm = size + [math.log(math.comb(blocks, int(length))) for length in lengths]
    share = np.exp(logarithm - logarithm.max())
    return np.asarray(share / share.sum())
