"""What a probed step says of the signal along depth."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vgp_bench.diagnosis.looks import Look
from vgp_bench.diagnosis.thresholds import LOCAL
from vgp_bench.diagnosis.trend import Line, least_squares


def reach_of(sensitivity: ArrayLike, at_outputs: float) -> NDArray[np.floating]:
    """S_l / E ||dL/dy|| of each stage: change of the outputs y per relative change of h_l, in the unit of y.

    The loss cancels: neither its scale nor how small it has become is left in it. NaN where no input has a gradient
    any more (the loss is 0 to the last bit). at_outputs: E ||dL/dy||.
    """
    sizes = np.asarray(sensitivity, dtype=float)
    if not 0 < at_outputs < np.inf:
        return np.full(len(sizes), np.nan)
    with np.errstate(over="ignore"):
        return sizes / at_outputs


def span_of(sensitivity: ArrayLike) -> Line:
    """Decades by which the sensitivity falls from the last of these stages to the first, along the fitted line.

    Stages whose sensitivity is 0 or unknown are left out.
    """
    sizes = np.asarray(sensitivity, dtype=float)
    usable = np.isfinite(sizes) & (sizes > 0)
    line = least_squares(np.flatnonzero(usable), np.log10(sizes[usable]))
    return Line(*(value * (len(sizes) - 1) for value in line))


def reach(look: Look) -> NDArray[np.floating]:
    """That of each hidden stage."""
    return reach_of(look.hidden("sensitivity"), look.output("sample_gradient"))


def span(look: Look) -> Line:
    """That of the hidden stages."""
    return span_of(look.hidden("sensitivity"))


def lost_at(look: Look) -> int:
    """Which hidden stage loses most of the signal, if one stage alone does; else the first.

    The stage l that loses is the one between S_l-1, which is small, and S_l, which is not.
    """
    return _alone(-_steps(look.hidden("sensitivity")))


def grown_at(look: Look) -> int:
    """Which hidden stage stretches changes most, if one stage alone does; else the first.

    By ||dL/dh_l-1|| / ||dL/dh_l||, the stretch by the Jacobian of stage l, which a growing signal (of a homogeneous
    network, whose reach is level) has as well as chaos.
    """
    return _alone(_steps(look.hidden("sample_gradient")))


def _steps(sizes: ArrayLike) -> NDArray[np.floating]:
    """Decades by which each stage's figure lies below that of the stage before it, from the second stage on."""
    with np.errstate(divide="ignore", invalid="ignore"):
        fall: NDArray[np.floating] = -np.diff(np.log10(np.maximum(np.asarray(sizes, dtype=float), 1e-300)))
    return fall


def _alone(decades: NDArray[np.floating]) -> int:
    """The stage of the largest one, if it is more than LOCAL of all that are positive; else 0. The first belongs to
    stage 1."""
    part = decades.clip(min=0)
    if len(part) and np.isfinite(part).all() and part.max() > LOCAL * part.sum() > 0:
        return int(part.argmax()) + 1
    return 0
