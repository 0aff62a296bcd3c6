"""Step, epoch and time tables of runs made up for tests."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.made_runs import ENVIRONMENT
from vgp_bench.records.identity import run_id
from vgp_bench.records.rows import EpochRow, Row, StepRow, TimeRow
from vgp_bench.records.store import RunStore, run_path
from vgp_bench.records.summary import Summary


def make_tables(
    results: Path, config: dict[str, Any], choices: dict[str, str], rows: Sequence[Row], state: Any, **figures: Any
) -> Path:
    """A run directory with these rows in its tables; without figures it gets no summary."""
    path = run_path(results, "made", run_id(config))
    store = RunStore(path)
    store.begin(config, choices, ENVIRONMENT)
    for row in rows:
        store.append(row)
    store.flush()
    if state != "running":
        store.finish(state, Summary(**{"parameters": 1, "epochs": 1, "steps": 1, **figures}) if figures else None)
    return path


def step_rows(losses: Sequence[float]) -> list[StepRow]:
    return [StepRow(i, 0, 0.1, loss, 0.5, 1.0, math.nan) for i, loss in enumerate(losses)]


def epoch_rows(steps: Sequence[int], accuracies: Sequence[float], losses: Sequence[float]) -> list[EpochRow]:
    return [
        EpochRow(i, step, 9.0, 0.9, loss, accuracy, 1.0, 1.0)
        for i, (step, accuracy, loss) in enumerate(zip(steps, accuracies, losses, strict=True))
    ]


def time_rows(states: Sequence[float], cells: Sequence[float] = (), step: int = 0, **keys: Any) -> list[TimeRow]:
    """states, cells: from the last time step (lag 0) back to the first."""
    where = {"layer": "cell", "direction": "forward", **keys}
    cells = cells or [math.nan] * len(states)
    return [
        TimeRow(step=step, time=len(states) - lag, lag=lag, state_gradient_l2=h, cell_gradient_l2=c, **where)
        for lag, (h, c) in enumerate(zip(states, cells, strict=True))
    ][::-1]
