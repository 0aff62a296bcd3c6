"""Help for tests of ownership: runs that are begun, and owners made to look like others."""

import json
import os
import time
from pathlib import Path
from typing import Any

from tests.made_runs import ENVIRONMENT, mlp_config
from vgp_bench.records.rows import StepRow
from vgp_bench.records.store import RunStore


def step_row(step: int) -> StepRow:
    return StepRow(step, 0, 0.1, 1.0, 0.5, 0.0, 0.0)


def begun(path: Path) -> RunStore:
    store = RunStore(path)
    store.begin(mlp_config(), {}, ENVIRONMENT)
    return store


def as_of(path: Path, **changes: Any) -> Path:
    """The owner's file, changed to be another's."""
    (file,) = path.glob("owner_*.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    return file


def aged(file: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(file, (then, then))


def content(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}
