"""Rows of a record as named figures: what a tracker's charts are called.

loss/train, accuracy/train, optimizer/learning_rate ...   of each optimizer step
loss/validation, accuracy/validation, loss/train_pass ... of each pass, at the steps done at its end
gradient/h/03_layer_4, update_ratio/03_layer_4 ...        of each stage, by its position: sorted by name is by depth
gradient/h_t/LAYER_DIRECTION/lag_00016 ...                of time steps: lags 0, 1, 2, 4, 8, ... and the longest

Definitions and units are those of the columns (docs/columns.md). NaN, "not measured", gives no figure; rows of
other types give none either. A column without a name of its own here keeps that of the table.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any, NamedTuple

from vgp_bench.records.rows import EpochRow, LayerRow, StepRow, TimeRow

KEYS = frozenset({"step", "epoch", "stage", "name", "kind", "depth", "layer", "direction", "time", "lag"})
"""Columns that say what a row is of; all others are figures."""

NAMES: dict[type, dict[str, str]] = {
    StepRow: {
        "loss": "loss/train",
        "accuracy": "accuracy/train",
        "learning_rate": "optimizer/learning_rate",
        "clipped": "optimizer/clipped",
        "gradient_l2": "gradient/all_parameters",
    },
    EpochRow: {
        "train_loss": "loss/train_pass",
        "train_accuracy": "accuracy/train_pass",
        "validation_loss": "loss/validation",
        "validation_accuracy": "accuracy/validation",
        "images_per_second": "speed/images_per_second",
        "seconds": "speed/seconds",
    },
    LayerRow: {
        "activation_gradient_l2": "gradient/h",
        "activation_gradient_rms": "gradient_rms/h",
        "weight_gradient_l2": "gradient/W",
        "weight_gradient_rms": "gradient_rms/W",
        "nonfinite_activations": "nonfinite/h",
        "nonfinite_activation_gradients": "nonfinite/gradient_h",
        "nonfinite_weight_gradients": "nonfinite/gradient_W",
    },
    TimeRow: {"state_gradient_l2": "gradient/h_t", "cell_gradient_l2": "gradient/c_t"},
}


class Metric(NamedTuple):
    """One figure. step: as in its row; seconds: when the row came, since 1970; value: finite or infinite."""

    step: int
    seconds: float
    tag: str
    value: float


class Naming:
    """Names the figures of one run.

    layers_every: rows of layers and time steps count at multiples of it only; None: never.
    """

    def __init__(self, layers_every: int | None) -> None:
        self.layers_every = layers_every
        self._digits = 0  # of a stage's position

    def metrics(self, rows: Iterable[tuple[float, Any]]) -> list[Metric]:
        """The figures of (seconds, row), in the order of the rows. The first call with layers should have them all:
        it decides to how many digits positions are padded."""
        wanted = [(seconds, row) for seconds, row in rows if type(row) in NAMES and self._is_wanted(row)]
        if not self._digits:
            stages = [row.stage for _, row in wanted if isinstance(row, LayerRow)]
            self._digits = max(2, len(str(max(stages)))) if stages else 0
        return [metric for seconds, row in wanted for metric in self._of(seconds, row)]

    def _is_wanted(self, row: Any) -> bool:
        if isinstance(row, (StepRow, EpochRow)):
            return True
        if self.layers_every is None or row.step % self.layers_every:
            return False
        # Not every lag: a sequence of 784 steps would have 784 charts.
        return isinstance(row, LayerRow) or row.time == 1 or row.lag & (row.lag - 1) == 0

    def _of(self, seconds: float, row: Any) -> Iterator[Metric]:
        place = ""
        if isinstance(row, LayerRow):
            place = f"/{row.stage:0{self._digits}}_{row.name}"
        elif isinstance(row, TimeRow):
            place = f"/{row.layer}_{row.direction}/lag_{row.lag:05}"
        names = NAMES[type(row)]
        for column in fields(row):
            if column.name not in KEYS:
                value = float(getattr(row, column.name))
                if not math.isnan(value):
                    yield Metric(row.step, seconds, f"{names.get(column.name, column.name)}{place}", value)
