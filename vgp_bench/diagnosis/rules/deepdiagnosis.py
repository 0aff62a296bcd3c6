"""DeepDiagnosis (Wardat, Cruz, Le, Rajan 2022): the first error met at the end of an epoch ends the training.

Thresholds, as in the paper and its published code, in the order of its checks. Numerical error: a forward mean that is
not finite or exactly 0. Dead node, after the last epoch: 70 % or more of a ReLU layer's outputs are 0. Saturated, every
5th epoch: more than half of the inputs of a sigmoid or tanh beyond +-5. Loss not finite. No decrease: the losses of 5
epochs are all the same. Vanishing: mean |dL/dW| < 1e-7.

Approximated: it looks at probed steps instead of ends of epochs, every 5th for what it checks every 5th epoch. All
activations without limits on both sides count as ReLU. Left out: output out of the labels' range, and unchanged
weights, for which nothing is on record. A mean of exactly 0 is our dead units, what is not finite our exploding.
"""

from collections.abc import Sequence

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Verdict
from vgp_bench.diagnosis.looks import Look, looks
from vgp_bench.diagnosis.rules.tables import bounded, epochs, figures, is_broken, loss_is_lost

DEAD, SATURATED = 0.7, 0.5
SMALL_GRADIENT = 1e-7
EVERY = 5
"""Looks between two checks for saturation; epochs over which a loss has to change."""


def judge(case: Case) -> list[Verdict]:
    """The first error."""
    logged = {look.step: look for look in looks(case, "layers")}
    probed = looks(case, "probes")
    stopped = _without_decrease(case, [look.step for look in probed])
    for number, look in enumerate(probed, 1):
        forward = logged.get(look.step)
        if forward is not None and is_broken(forward):
            return ["exploding"]
        if forward is not None and (forward.hidden("activation_mean").astype(float) == 0).any():
            return ["dead units"]
        is_last = number == len(probed) and case.state != "running"
        if is_last and (figures(look, "nonpositive_fraction")[~bounded(look)] >= DEAD).any():
            return ["dead units"]
        if number % EVERY == 0 and (figures(look, "large_input_fraction")[bounded(look)] > SATURATED).any():
            return ["saturated"]
        if stopped[number - 1]:
            return ["plateau"]
        if _vanished(look):
            return ["vanishing"]
    return ["diverged"] if loss_is_lost(case) else []


def _vanished(look: Look) -> bool:
    return bool((figures(look, "weight_gradient_mean") < SMALL_GRADIENT).any())


def _without_decrease(case: Case, seen_at: Sequence[int]) -> list[bool]:
    """Of each of these steps, whether the losses of the latest EVERY epochs up to it are all the same, the last one as
    far as it went."""
    losses, _, ends = epochs(case)
    steps, of_step = np.asarray(case.column("steps", "step")), np.asarray(case.column("steps", "loss"), dtype=float)
    begins = np.searchsorted(steps, [-1, *ends[:-1]], side="right")
    found = []
    for step in seen_at:
        stop = int(np.searchsorted(steps, step, side="right"))
        epoch = int(np.searchsorted(begins, stop, side="left")) - 1  # that of the last step seen
        before = losses[max(epoch - EVERY + 1, 0) : epoch]
        # Few trainings come any further than here, so that the steps of an epoch are not added up at every look.
        is_full = len(before) == EVERY - 1 and np.isfinite(before).all() and (before == before[0]).all()
        found.append(bool(is_full and of_step[begins[epoch] : stop].mean() == before[0]))
    return found
