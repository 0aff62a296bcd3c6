"""Sweeps made up for tests: their runs, states and times are put in by hand."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.made_runs import epoch_rows, make_run, mlp_config, step_rows
from vgp_bench.cli import main
from vgp_bench.records.identity import run_id
from vgp_bench.records.summary import Summary
from vgp_bench.sweep_record import SweepRun, write_sweep

RESULTS = Path("results")
EXPERIMENT = RESULTS / "made"


def made(seed: int, state: str = "completed", **fields: Any) -> Path:
    """A run in this state; fields: of its status."""
    config = mlp_config(seed=seed, trainer={"max_epochs": 7})
    path = make_run(RESULTS, config, state="running", steps=step_rows([1.0] * 30), epochs=epoch_rows([0.1, 0.2]))
    summary = Summary(parameters=1000, epochs=1, steps=10)
    (path / "summary.json").write_text(json.dumps(summary.as_json()))
    status = json.loads((path / "status.json").read_text())
    # Without an owner, whose files are not this test's matter, the process alone says whether it runs.
    (path / "status.json").write_text(json.dumps(status | {"state": state, "owner": ""} | fields))
    return path


def sweep_of(seeds: range, **fields: str) -> Path:
    """A sweep's file over these seeds, whether they have folders or not; fields: of the file."""
    ids = [run_id(mlp_config(seed=seed, trainer={"max_epochs": 7})) for seed in seeds]
    runs = [SweepRun(name, f"seed={seed}", n) for n, (name, seed) in enumerate(zip(ids, seeds, strict=True), 1)]
    path = write_sweep(EXPERIMENT, ["vgp-bench", "run", "seeds=9"], "inline", runs)
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    return path


def stamp(ago: timedelta) -> str:
    return (datetime.now(UTC) - ago).isoformat(timespec="seconds")


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert main(["status", *(words or ("results",))]) == 0
    return capsys.readouterr().out.splitlines()
