"""A run in one row: the figures that comparisons and claims read. Missing is NaN, null in the file."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from vgp_bench.records.signal import Columns

# numpy is imported inside the functions: who only reads or writes summaries need not wait for it.


def figure(unit: str, definition: str) -> Any:
    """A field that carries its unit and its definition and is NaN unless given."""
    return field(default=math.nan, metadata={"unit": unit, "definition": definition})


def count(unit: str, definition: str) -> Any:
    """A whole number that every run has."""
    return field(metadata={"unit": unit, "definition": definition})


_RATIO = "||dL/dh||_2 of the first hidden stage / that of the last hidden stage; 0 if the first is exactly 0"
_DECAY = (
    "factor by which ||dL/dh_l||_2 changes per weight layer going down: exp(-slope) of its log against depth "
    "over hidden stages, without the first three and the last one (with fewer than 8: all of them)"
)
_R2 = "share of the variance of ln ||dL/dh_l||_2 that the fit of the decay explains"
_TIME_RATIO = "||dL/dh_t||_2 of the first time step / that of the last one; last recurrent layer, read forward"
_TIME_DECAY = (
    "factor by which ||dL/dh_t||_2 changes per time step further from the end: exp(slope) of its log against the lag, "
    "without the three lags next to the end"
)
_CELL_RATIO = "the same of ||dL/dc_t||_2, the cell of an LSTM"
_CELL_DECAY = "the decay per step of ||dL/dc_t||_2, the cell of an LSTM"
_TIME_LOW = "lower end of the 95 % interval of the decay per step, from the scatter around the line"
_TIME_HIGH = "upper end of that interval"
_DEAD = "mean of dead_fraction over hidden stages, at the latest probed step up to then"
_SATURATED = "mean of saturated_fraction over hidden stages, at the latest step up to then that measured it"


@dataclass(frozen=True, slots=True)
class Summary:
    """One run. `initial_` is the first logged step, `final_` the last one."""

    parameters: int = count("1", "trainable parameters of the network")
    epochs: int = count(
        "epochs",
        "passes over the training data that came to their end, the last perhaps cut short by trainer.max_steps",
    )
    steps: int = count("steps", "optimizer steps done")
    train_loss: float = figure("nats", "train_loss of the last pass")
    train_accuracy: float = figure("fraction", "train_accuracy of the last pass")
    validation_loss: float = figure("nats", "validation_loss after the last pass")
    validation_accuracy: float = figure("fraction", "validation_accuracy after the last pass")
    best_validation_accuracy: float = figure("fraction", "highest validation_accuracy of all passes")
    best_validation_epoch: float = figure("epochs", "number of the first pass that reached it, from 0")
    test_loss: float = figure("nats", "mean cross-entropy on the test data, last weights, read once")
    test_accuracy: float = figure("fraction", "accuracy on the test data, last weights, read once")
    images_per_second: float = figure("images/s", "training images / training time (validation excluded)")
    seconds: float = figure("s", "training time (validation excluded)")
    peak_memory_bytes: float = figure(
        "bytes", "highest memory of the run: allocated by torch on a GPU, resident in the process on CPU"
    )
    initial_gradient_ratio: float = figure("1", _RATIO)
    initial_decay_per_layer: float = figure("1", _DECAY)
    initial_decay_r2: float = figure("1", _R2)
    initial_dead_fraction: float = figure("fraction", _DEAD)
    initial_saturated_fraction: float = figure("fraction", _SATURATED)
    final_gradient_ratio: float = figure("1", _RATIO)
    final_decay_per_layer: float = figure("1", _DECAY)
    final_decay_r2: float = figure("1", _R2)
    final_dead_fraction: float = figure("fraction", _DEAD)
    final_saturated_fraction: float = figure("fraction", _SATURATED)
    initial_time_ratio: float = figure("1", _TIME_RATIO)
    initial_decay_per_step: float = figure("1", _TIME_DECAY)
    initial_decay_per_step_low: float = figure("1", _TIME_LOW)
    initial_decay_per_step_high: float = figure("1", _TIME_HIGH)
    initial_cell_time_ratio: float = figure("1", _CELL_RATIO)
    initial_cell_decay_per_step: float = figure("1", _CELL_DECAY)
    final_time_ratio: float = figure("1", _TIME_RATIO)
    final_decay_per_step: float = figure("1", _TIME_DECAY)
    final_decay_per_step_low: float = figure("1", _TIME_LOW)
    final_decay_per_step_high: float = figure("1", _TIME_HIGH)
    final_cell_time_ratio: float = figure("1", _CELL_RATIO)
    final_cell_decay_per_step: float = figure("1", _CELL_DECAY)
    clipped_share: float = figure("fraction", "steps whose gradient was clipped / steps; NaN without clipping")
    chance_loss: float = figure("nats", "loss of an answer that ignores the input")
    chance_accuracy: float = figure("fraction", "accuracy of an answer that ignores the input")

    def as_json(self) -> dict[str, float | int | str | None]:
        """Plain values for a strict JSON file: NaN as null, infinities as "inf" and "-inf"."""
        return {name: _to_json(value) for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Summary":
        """The summary that as_json wrote. Figures the file lacks are NaN; names unknown here are ignored.

        Raises KeyError, TypeError or ValueError if the content is not a summary.
        """
        values: dict[str, Any] = {}
        for f in fields(cls):
            if f.type is int:
                values[f.name] = int(content[f.name])
            else:
                value = content.get(f.name)
                values[f.name] = math.nan if value is None else float(value)
        return cls(**values)


def summarize(
    epochs: "Columns",
    layers: "Columns",
    *,
    parameters: int,
    steps: int,
    seconds: float,
    test_loss: float = math.nan,
    test_accuracy: float = math.nan,
    peak_memory_bytes: float | None = None,
    chance_loss: float = math.nan,
    chance_accuracy: float = math.nan,
    times: "Columns | None" = None,
    clipped: "ArrayLike" = (),
) -> Summary:
    """The summary of a run from its epoch and layer tables (columns by name) and what no table holds.

    times: the time table, of recurrent networks; clipped: that column of the step table.
    """
    import numpy as np

    from vgp_bench.records.signal import signal_figures
    from vgp_bench.records.time_signal import time_figures

    last = {name: float(values[-1]) if len(values) else math.nan for name, values in epochs.items()}
    best = np.asarray(epochs["validation_accuracy"], dtype=float)
    best = np.where(np.isnan(best), -np.inf, best)
    validated = bool(np.isfinite(best).any())
    return Summary(
        parameters=parameters,
        epochs=len(best),
        steps=steps,
        train_loss=last["train_loss"],
        train_accuracy=last["train_accuracy"],
        validation_loss=last["validation_loss"],
        validation_accuracy=last["validation_accuracy"],
        best_validation_accuracy=float(best.max()) if validated else math.nan,
        best_validation_epoch=float(epochs["epoch"][int(best.argmax())]) if validated else math.nan,
        test_loss=test_loss,
        test_accuracy=test_accuracy,
        images_per_second=_mean_rate(epochs["images_per_second"], epochs["seconds"]),
        seconds=seconds,
        peak_memory_bytes=math.nan if peak_memory_bytes is None else peak_memory_bytes,
        chance_loss=chance_loss,
        chance_accuracy=chance_accuracy,
        clipped_share=float(np.asarray(clipped, dtype=float).mean()) if np.size(clipped) else math.nan,
        **signal_figures(layers),
        **(time_figures(times) if times is not None else {}),
    )


def _mean_rate(rate: "ArrayLike", clock: "ArrayLike") -> float:
    import numpy as np

    # Images of all passes over the time of all passes; a plain mean would overrate a short last pass.
    durations = np.diff(np.asarray(clock, dtype=float), prepend=0.0)
    total = durations.sum()
    return float(np.asarray(rate, dtype=float) @ durations / total) if total > 0 else math.nan


def _to_json(value: float) -> float | int | str | None:
    if math.isnan(value):
        return None
    return str(value) if math.isinf(value) else value
