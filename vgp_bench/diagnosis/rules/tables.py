"""What several tools look at, read from our tables."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Verdict
from vgp_bench.diagnosis.looks import Look

Figures = NDArray[np.floating]


def figures(look: Look, name: str) -> Figures:
    """A column of a look for all stages, as numbers; NaN where a stage has none."""
    return np.asarray(look.column(name), dtype=float)


def bounded(look: Look) -> NDArray[np.bool_]:
    """Stages of a probed step whose activations have a limit on either side, as sigmoid and tanh have."""
    return ~np.isnan(figures(look, "boundary_mean"))


def is_broken(look: Look) -> bool:
    """Whether a logged step has a value that is not finite, in activations or gradients."""
    names = ("nonfinite_activations", "nonfinite_activation_gradients", "nonfinite_weight_gradients")
    return any((figures(look, name) > 0).any() for name in names)


def loss_is_lost(case: Case) -> bool:
    """Whether a loss on record is not finite."""
    return case.state == "diverged" or not np.isfinite(np.asarray(case.column("steps", "loss"), dtype=float)).all()


def epochs(case: Case) -> tuple[Figures, Figures, NDArray[np.integer]]:
    """Of each pass over the training data, the last one as far as it went: mean loss, mean accuracy (n,), last step."""
    of_step = np.asarray(case.column("steps", "epoch"))
    steps = np.asarray(case.column("steps", "step"))
    values = [np.asarray(case.column("steps", name), dtype=float) for name in ("loss", "accuracy")]
    numbers = np.unique(of_step)
    loss, accuracy = (np.array([column[of_step == number].mean() for number in numbers]) for column in values)
    ends = np.array([steps[of_step == number].max() for number in numbers], dtype=int)
    return loss, accuracy, ends


def each_once(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Without repetitions, in order."""
    return list(dict.fromkeys(verdicts))
