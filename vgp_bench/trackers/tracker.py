"""What a tracker is: told of a run's beginning, of its figures in batches, and of its end."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vgp_bench.errors import ConfigError
from vgp_bench.records.identity import settled
from vgp_bench.records.summary import Summary
from vgp_bench.trackers.metrics import Metric


@dataclass(frozen=True)
class TrackedRun:
    """A run about to be mirrored.

    path: results_dir/experiment_name/run id; config: resolved; choices: config group -> chosen option.
    """

    path: Path
    config: Mapping[str, Any]
    choices: Mapping[str, str]

    @property
    def run_id(self) -> str:
        return self.path.name

    @property
    def experiment(self) -> str:
        return self.path.parent.name

    @property
    def results(self) -> Path:
        return self.path.parent.parent.absolute()

    def hyperparameters(self) -> dict[str, bool | int | float | str]:
        """The chosen options and every key that can change a number, dotted; null and lists as JSON text."""
        return {
            key: value if isinstance(value, (bool, int, float, str)) else json.dumps(value)
            for key, value in {**self.choices, **settled(self.config)}.items()
        }


class Tracker(ABC):
    """One copy of a run. Every method may raise whatever its library raises: the mirror then drops the tracker.

    layers_every: of the measured steps, layers and time steps are mirrored at multiples of this; None: never.
    """

    def __init__(self, layers_every: int | None) -> None:
        if layers_every is not None and layers_every < 1:
            raise ConfigError(f"layers_every={layers_every}: a tracker takes 1 or more; null mirrors no layers")
        self.layers_every = layers_every

    @abstractmethod
    def open(self, run: TrackedRun) -> None:
        """The run begins; what an earlier attempt at it left must not mix with this one."""

    @abstractmethod
    def log(self, metrics: Sequence[Metric]) -> None:
        """Figures since the last call: complete steps, never NaN."""

    @abstractmethod
    def close(self, state: str, reason: str, summary: Summary | None) -> None:
        """The run ended.

        state: completed, diverged, failed or interrupted; reason: one line on why it is not completed.
        """


def summary_figures(summary: Summary) -> dict[str, float]:
    """The measured figures of a summary, named summary/FIGURE; infinities stay."""
    values = {f"summary/{name}": value for name, value in summary.as_json().items()}
    return {tag: float(value) for tag, value in values.items() if value is not None}
