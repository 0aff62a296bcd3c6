"""What a probed step says of the signal along depth."""

import numpy as np
from numpy.typing import NDArray

from vgp_bench.diagnosis.looks import Look
from vgp_bench.diagnosis.thresholds import LOCAL
from vgp_bench.diagnosis.trend import Line, least_squares


def reach(look: Look) -> NDArray[np.floating]:
    """S_l / E ||dL/dy|| of each hidden stage: change of the outputs y per relative change of h_l, in the unit of y.

    The loss cancels: neither its scale nor how small it has become is left in it. NaN where no input has a gradient
    any more (the loss is 0 to the last bit).
    """
    at_outputs = look.output("sample_gradient")
    sensitivity = np.asarray(look.hidden("sensitivity"), dtype=float)
    if not 0 < at_outputs < np.inf:
        return np.full(len(sensitivity), np.nan)
    with np.errstate(over="ignore"):
        return sensitivity / at_outputs


def span(look: Look) -> Line:
    """Decades by which the sensitivity falls from the last hidden stage to the first, along the fitted line.

    Stages whose sensitivity is 0 or unknown are left out.
    """
    sensitivity = np.asarray(look.hidden("sensitivity"), dtype=float)
    usable = np.isfinite(sensitivity) & (sensitivity > 0)
    places = np.flatnonzero(usable)
    line = least_squares(places, np.log10(sensitivity[usable]))
    return Line(*(value * (len(sensitivity) - 1) for value in line))


def lost_at(look: Look) -> int:
    """Which hidden stage loses most of the signal, if one stage alone does; else of the first.

    The stage l that loses is the one between S_l-1, which is small, and S_l, which is not.
    """
    sensitivity = np.asarray(look.hidden("sensitivity"), dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        drops = np.diff(np.log10(np.maximum(sensitivity, 1e-300)))
    lost = drops.clip(min=0)
    if len(lost) and np.isfinite(lost).all() and lost.max() > LOCAL * lost.sum() > 0:
        return int(lost.argmax()) + 1
    return 0
