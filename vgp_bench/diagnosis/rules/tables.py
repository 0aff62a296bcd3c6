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
    cuts = np.flatnonzero(np.diff(of_step)) + 1
    loss, accuracy = (np.array([p.mean() for p in np.split(column, cuts) if len(p)]) for column in values)
    return loss, accuracy, np.array([part[-1] for part in np.split(steps, cuts) if len(part)], dtype=int)


def each_once(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Without repetitions, in order."""
    return list(dict.fromkeys(verdicts))
