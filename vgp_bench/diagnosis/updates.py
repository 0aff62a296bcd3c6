"""By how much a network moves in one step, as a share of its weights."""

import math

import numpy as np
from numpy.typing import NDArray

from vgp_bench.diagnosis.case import Case


def largest_updates(case: Case, with_gradient: bool = False) -> tuple[NDArray[np.integer], NDArray[np.floating]]:
    """(steps, ||dW_l|| / ||W_l|| of the stage that moves most at each), where it was measured.

    with_gradient: without the stages whose gradient is 0, at which it is not the optimizer that makes no step.
    """
    steps = np.asarray(case.column("layers", "step"))
    moved = np.asarray(case.column("layers", "update_ratio"), dtype=float)
    usable = np.isfinite(moved)
    if with_gradient:
        usable &= ~(np.asarray(case.column("layers", "weight_gradient_l2"), dtype=float) == 0)
    known, place = np.unique(steps[usable], return_inverse=True)
    ratios = np.zeros(len(known))
    np.maximum.at(ratios, place, moved[usable])
    return known, ratios


def update_ratio(case: Case) -> float:
    """Their median over the steps; NaN if none was measured."""
    _, ratios = largest_updates(case)
    return float(np.median(ratios)) if len(ratios) else math.nan
