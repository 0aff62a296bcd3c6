"""What is judged: the tables of one training, from a record on disk or from the memory of a live one."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgp_bench.records.chance import chance_of
from vgp_bench.records.reading import RunRecord
from vgp_bench.records.rows import TABLES
from vgp_bench.records.signal import Columns

JUDGED = ("steps", "layers", "times", "probes")
"""The tables a diagnosis reads."""


@dataclass(frozen=True)
class Case:
    """tables: columns by name for each of JUDGED, ascending in step. state: as of the run, 'running' of a live one.

    chance_loss and chance_accuracy: of an answer that ignores the input, NaN if unknown. config and choices (the option
    of each group): of a composed run, else empty.
    """

    tables: Mapping[str, Columns]
    state: str = "running"
    chance_loss: float = float("nan")
    chance_accuracy: float = float("nan")
    config: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)

    def column(self, table: str, name: str) -> NDArray[Any]:
        """One column, as an array."""
        return np.asarray(self.tables[table][name])

    @property
    def last_step(self) -> int:
        """The last step on record; -1 if there is none."""
        steps = self.column("steps", "step")
        return int(steps[-1]) if len(steps) else -1

    @property
    def time_steps(self) -> int:
        """Length of the sequences as far as it was measured, 0 without time."""
        lags = self.column("times", "lag")
        return int(lags.max()) + 1 if len(lags) else 0

    def until(self, step: int) -> "Case":
        """The case as it stood after this step: a training that still runs, unless the step is the last one."""
        tables = {}
        for name, columns in self.tables.items():
            seen = np.asarray(columns["step"]) <= step
            tables[name] = {key: np.asarray(values)[seen] for key, values in columns.items()}
        state = self.state if step >= self.last_step else "running"
        return replace(self, tables=tables, state=state)


def case_of(record: RunRecord) -> Case:
    """The case of a run on disk. Raises ResultsError if one of its tables is damaged.

    A run recorded before a table was thought of has an empty one: what cannot be measured is no symptom.
    """
    tables = {name: record.columns(name) for name in JUDGED}
    chance = chance_of(record)
    return Case(tables, record.state, chance.loss, chance.accuracy, record.config, record.choices)


def empty_tables() -> dict[str, Columns]:
    """Tables without a row."""
    return {name: {column: np.empty(0) for column in TABLES[name].__slots__} for name in JUDGED}
