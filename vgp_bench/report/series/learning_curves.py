"""How one group of runs learned, over its seeds, as numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np

from vgp_bench.records.reading import RunRecord
from vgp_bench.report.series.band import Array, Band
from vgp_bench.report.series.over_steps import Curve, band_over_steps, measured

POINTS = 60
"""Most points of a curve of the training loss: each is the mean over as many steps as that takes."""

REGRESSIONS = ("vgp_bench.data.adding.load",)
"""Data whose answer is a number: the loss says how far off it is, the accuracy only how often it is close."""

Validation = Literal["validation_accuracy", "validation_loss"]


class End(NamedTuple):
    """Where a run that did not complete stopped: its last finite points. NaN where it has none."""

    state: str
    loss: tuple[float, float]  # step, training loss
    validation: tuple[float, float]


class Learning(NamedTuple):
    """loss, validation: mean and range over seeds; None where nothing was recorded. window: steps that a point of
    loss is the mean of. Accuracies are in percent."""

    loss: Band | None
    validation: Band | None
    window: int
    ends: list[End]


def validation_figure(records: Iterable[RunRecord]) -> Validation:
    """What to judge these runs by: the loss if all their tasks are regressions, else the accuracy."""
    targets = {(record.config.get("dataset") or {}).get("_target_") for record in records}
    return "validation_loss" if targets and targets <= set(REGRESSIONS) else "validation_accuracy"


def learning(records: Sequence[RunRecord], validation: Validation) -> Learning:
    """The curves of runs of one config; the training loss is thinned to POINTS by means over equal windows."""
    steps = [record.columns("steps") for record in records]
    longest = max((int(columns["step"].max()) + 1 for columns in steps if len(columns["step"])), default=1)
    window = -(-longest // POINTS)
    losses = [windowed(columns["step"], columns["loss"], window) for columns in steps]
    validations = [_validation(record, validation) for record in records]
    ends = [
        End(record.state, _last(loss), _last(later))
        for record, loss, later in zip(records, losses, validations, strict=True)
        if record.state != "completed"
    ]
    found = band_over_steps(losses)
    if found is not None:  # it stands on a logarithmic axis
        found = replace(found, zero=found.middle == 0, low=np.where(found.low > 0, found.low, found.middle))
    return Learning(found, band_over_steps(validations), window, ends)


def windowed(steps: Array, values: Array, window: int) -> Curve:
    """Means of the finite values over windows of so many steps, each at the middle of its window.

    Windows begin at multiples of `window`, so that all seeds share them; one without a finite value is left out.
    """
    x, y = np.asarray(steps), np.asarray(values, dtype=float)
    x, y = x[np.isfinite(y)], y[np.isfinite(y)]
    number, which = np.unique(x // window, return_inverse=True)
    means = np.bincount(which, y, len(number)) / np.maximum(np.bincount(which, minlength=len(number)), 1)
    return number * window + (window - 1) / 2, means


def chance_levels(records: Iterable[RunRecord], figure: str) -> list[float]:
    """The different levels of a summary's chance_loss or chance_accuracy, ascending; none where it is not known."""
    known = {round(getattr(record.summary, figure), 6) for record in records if record.summary is not None}
    return sorted(level for level in known if np.isfinite(level))


def _validation(record: RunRecord, figure: Validation) -> Curve:
    epochs = record.columns("epochs")
    scale = 100.0 if figure == "validation_accuracy" else 1.0
    x, y = measured(epochs["step"], scale * np.asarray(epochs[figure], dtype=float))
    return x[np.isfinite(y)], y[np.isfinite(y)]


def _last(curve: Curve) -> tuple[float, float]:
    x, y = curve
    return (float(x[-1]), float(y[-1])) if len(x) else (np.nan, np.nan)
