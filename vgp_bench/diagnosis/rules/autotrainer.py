"""AUTOTRAINER (Zhang, Zhai, Ma, Shen 2021): one problem of a training that does not converge, checked every 3 epochs.

Thresholds, as in the paper and its published code: vanishing ||g_1|| / ||g_L|| < 1e-3 and ||g_1|| < 1e-4, exploding a
ratio above 70 or a value that is not finite, dying ReLU at 70 % or more of the gradient's values exactly 0. Gradients
count from 30 % of the epochs on, and only without convergence: accuracy never at .7, or no gain of .01 from one epoch
to the next. Oscillating: a fall from a peak of the accuracy to a trough by .03 in 20 % of the epochs. The paper's
threshold of the loss (1e3) is 1e5 in the code, which is taken here.

Approximated: the gradient is that of the training batch logged last in the epoch, not always of the first batch; the
accuracy is that of training alone, as its epochs are on record; its share of zeros is the mean over stages, not values;
the last epoch is checked too, however short. Slow convergence is our plateau.
"""

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Verdict
from vgp_bench.diagnosis.looks import Look, looks
from vgp_bench.diagnosis.rules.tables import Figures, epochs, figures, is_broken, loss_is_lost

CHECKED_EVERY = 3
"""Epochs between two checks."""
JUDGED_FROM = 0.3
"""Share of the epochs before which losses, and so convergence, are not judged."""
CONVERGED, SLOW = 0.7, 0.01
SMALL_RATIO, SMALL_NORM, GREAT_RATIO = 1e-3, 1e-4, 70.0
ZEROS = 0.7
GREAT_LOSS = 1e5
SWING, SWINGS = 0.03, 0.2


def judge(case: Case) -> list[Verdict]:
    """The one problem that the first check with a problem finds."""
    loss, accuracy, ends = epochs(case)
    if loss_is_lost(case) or (loss >= GREAT_LOSS).any():
        return ["exploding"]
    logged, probed = looks(case, "layers", "weight_gradient_l2"), looks(case, "probes", "zero_gradient_fraction")
    seen: set[Verdict] = set()
    for number in _checked(len(ends)):
        now = [until[-1] for table in (logged, probed) if (until := [k for k in table if k.step <= ends[number]])]
        if any(is_broken(look) for look in now if "nonfinite_activations" in look.columns):
            return ["exploding"]
        seen = seen.union(*map(_of_gradient, now))
        if number + 1 >= JUDGED_FROM * len(ends) and (found := _of_accuracy(accuracy[: number + 1], seen)):
            return [found]
    return []


def _checked(epochs_done: int) -> list[int]:
    """Epochs after which is looked: 0, 3, 6, ... and the last one."""
    return sorted({*range(0, epochs_done, CHECKED_EVERY), epochs_done - 1} - {-1})


def _of_gradient(look: Look) -> set[Verdict]:
    """Signs in the gradient of one batch; they count only in a training that does not converge."""
    if "zero_gradient_fraction" in look.columns:
        zeros = figures(look, "zero_gradient_fraction")
        return {"dead units"} if zeros.mean() >= ZEROS else set()
    norms = figures(look, "weight_gradient_l2")
    first, last = norms[0], norms[-1]
    ratio = first / last if last > 0 else np.nan
    if ratio < SMALL_RATIO and first < SMALL_NORM:
        return {"vanishing"}
    return {"exploding"} if ratio > GREAT_RATIO else set()


def _of_accuracy(accuracy: Figures, seen: set[Verdict]) -> Verdict | None:
    gains = np.diff(accuracy)
    is_slow = not len(gains) or gains.max() < SLOW
    if accuracy.max() < CONVERGED or is_slow:
        order: tuple[Verdict, ...] = ("dead units", "exploding", "vanishing")
        return next((verdict for verdict in order if verdict in seen), "plateau" if is_slow else None)
    return "unstable" if _swings(accuracy) >= SWINGS * len(accuracy) else None


def _swings(accuracy: Figures) -> int:
    """Peaks that lie by SWING or more above the trough of the same number."""
    before, here, after = accuracy[:-2], accuracy[1:-1], accuracy[2:]
    peaks = here[(here >= before) & (here >= after)]
    troughs = here[(here <= before) & (here <= after)]
    pairs = min(len(peaks), len(troughs))
    return int((peaks[:pairs] - troughs[:pairs] >= SWING).sum())
