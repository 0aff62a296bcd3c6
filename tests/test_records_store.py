"""Run directories: whole at every instant, whatever happens to the process or the disk."""

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
import yaml

from tests.made_runs import ENVIRONMENT, layer_rows, mlp_config
from vgp_bench.errors import ResultsError
from vgp_bench.records.files import write_atomically
from vgp_bench.records.reading import read_run
from vgp_bench.records.rows import StepRow
from vgp_bench.records.store import RunStore, run_path
from vgp_bench.records.summary import Summary

CHOICES = {"architecture": "mlp", "activation": "relu"}


def step_row(step):
    return StepRow(step, 0, 0.1, 1.0 / (1 + step), 0.5, math.nan, math.nan)


def begun(path):
    store = RunStore(path)
    store.begin(mlp_config(), CHOICES, ENVIRONMENT)
    return store


def files(path):
    return sorted(file.name for file in path.iterdir())


def test_a_whole_run_reads_back_as_written(tmp_path):
    store = begun(run_path(tmp_path, "made/here", "0123456789ab"))
    assert store.path == tmp_path / "made" / "here" / "0123456789ab"
    assert read_run(store.path).state == "running"
    for step in range(5):
        store.append(step_row(step))
        store.flush()
    for row in layer_rows([0.1, math.inf]):
        store.append(row)
    summary = Summary(parameters=3, epochs=1, steps=5, test_accuracy=0.5)
    store.finish("completed", summary)

    run = read_run(store.path)
    assert run.state == "completed"
    assert run.config == mlp_config()
    assert run.choices == CHOICES
    assert run.environment == ENVIRONMENT
    assert run.seed == 0
    assert run.status.ended >= run.status.started
    assert run.summary.test_accuracy == 0.5
    assert run.rows("steps")["step"].tolist() == [0, 1, 2, 3, 4]
    assert run.rows("epochs").empty
    layers = pd.read_parquet(store.path / "layers.parquet")
    assert layers["name"].tolist() == ["h0", "h1", "out"]
    assert layers["activation_gradient_l2"].tolist() == [0.1, math.inf, 0.5]
    assert layers["depth"].dtype == "int64"
    assert layers["dead_fraction"].isna().all()
    assert run.columns("layers")["name"].tolist() == ["h0", "h1", "out"]
    names = "choices.json config.yaml environment.json layers.parquet status.json steps.parquet summary.json"
    assert files(store.path) == names.split()


def test_config_file_keeps_order_and_small_numbers(tmp_path):
    store = RunStore(tmp_path / "run")
    config = {"z": 1e-05, "a": {"b": None, "c": [1, 2.5e-10]}, "name": "Größe"}
    store.begin(config, {}, {})
    text = (store.path / "config.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(text) == config
    assert list(yaml.safe_load(text)) == ["z", "a", "name"]


def test_rows_not_yet_flushed_are_in_columns_but_not_on_disk(tmp_path):
    store = begun(tmp_path / "run")
    store.append(step_row(0))
    store.flush()
    store.append(step_row(1))
    assert store.columns("steps")["step"].tolist() == [0, 1]
    assert store.columns("layers")["name"].tolist() == []
    assert read_run(store.path).rows("steps")["step"].tolist() == [0]
    store.flush()
    assert read_run(store.path).rows("steps")["step"].tolist() == [0, 1]


def test_begin_clears_an_earlier_attempt(tmp_path):
    store = begun(tmp_path / "run")
    store.append(step_row(0))
    store.finish("failed", Summary(parameters=1, epochs=0, steps=1), "no luck", "Traceback ...")
    assert (store.path / "traceback.txt").read_text() == "Traceback ..."
    assert read_run(store.path).reason == "no luck"
    (store.path / ".steps.parquet.99.tmp").write_text("left by a killed process")
    begun(store.path)
    run = read_run(store.path)
    assert (run.state, run.reason, run.summary) == ("running", "", None)
    assert run.rows("steps").empty
    owner, *small = ["owner_000001.json", "choices.json", "config.yaml", "environment.json", "status.json"]
    assert files(store.path) == sorted([owner, *small])


def test_finished_means_completed_or_diverged_with_a_summary(tmp_path):
    store = RunStore(tmp_path / "run")
    assert not store.is_finished()
    summary = Summary(parameters=1, epochs=0, steps=1)
    for state, with_summary, finished in (
        ("completed", True, True),
        ("diverged", True, True),
        ("completed", False, False),
        ("failed", True, False),
        ("interrupted", True, False),
    ):
        store = begun(tmp_path / "run")
        assert not store.is_finished()
        store.finish(state, summary if with_summary else None)
        assert RunStore(store.path).is_finished() is finished
        assert store.status().state == state
    (store.path / "status.json").write_text("{")
    assert not store.is_finished()


KILLED = """
import sys
from pathlib import Path
from vgp_bench.records.rows import StepRow
from vgp_bench.records.store import RunStore
store = RunStore(Path(sys.argv[1]))
store.begin({"seed": 0}, {}, {})
step = 0
while True:
    for _ in range(200):
        store.append(StepRow(step, 0, 0.1, 1.0, 0.5, 0.0, 0.0))
        step += 1
    store.flush()
    print(step, flush=True)
"""


def test_kill_at_any_instant_leaves_every_file_whole(tmp_path):
    for attempt in range(4):
        path = tmp_path / f"run{attempt}"
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
        for _ in range(3 + 5 * attempt):
            flushed = int(process.stdout.readline())
        time.sleep(0.003 * attempt)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
        process.wait()
        flushed = int(rest[-1]) if rest else flushed

        steps = pd.read_parquet(path / "steps.parquet")["step"].tolist()
        assert steps == list(range(len(steps)))
        assert len(steps) % 200 == 0
        assert len(steps) >= flushed  # what was reported as flushed is there
        run = read_run(path)
        assert run.state == "lost"
        assert str(process.pid) in run.reason
        again = begun(path)  # and it can be run again
        assert not list(path.glob(".*"))
        again.release()


def test_failed_write_keeps_the_old_file_and_leaves_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(ResultsError, match=f"permission denied: cannot write {path}; set results_dir") as caught:
        write_atomically(path, b"new", durable=True)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == b"old"
    assert files(tmp_path) == ["file"]


def test_full_disk_is_one_line_and_costs_nothing_already_written(small_disk):
    store = begun(small_disk / "run")
    store.append(step_row(0))
    store.flush()
    ballast = small_disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    with pytest.raises(ResultsError, match="disk full"):
        RunStore(small_disk / "other").check_writable()
    for step in range(1, 1000):
        store.append(step_row(step))
    with pytest.raises(ResultsError, match=r"^disk full: cannot write .*steps\.parquet; free some space") as caught:
        store.flush()
    assert "\n" not in str(caught.value)
    assert pd.read_parquet(store.path / "steps.parquet")["step"].tolist() == [0]
    assert not list(store.path.glob(".*"))
    assert read_run(store.path).state == "running"

    ballast.unlink()  # somebody makes room: nothing was lost
    store.finish("completed")
    assert len(read_run(store.path).rows("steps")) == 1000


def test_folder_under_a_file_is_refused(tmp_path):
    (tmp_path / "results").write_text("a file")
    store = RunStore(tmp_path / "results" / "run")
    with pytest.raises(ResultsError, match="a file is in the way: cannot write"):
        store.check_writable()
    with pytest.raises(ResultsError, match="a file is in the way: cannot write"):
        store.begin({}, {}, {})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ResultsError, match="permission denied"):
        RunStore(tmp_path / "run").check_writable()
    with pytest.raises(ResultsError, match="permission denied"):
        RunStore(tmp_path / "run").begin({}, {}, {})


def test_check_writable_leaves_no_trace(tmp_path):
    RunStore(tmp_path / "a" / "b").check_writable()
    assert files(tmp_path) == []


def test_writing_wing_starts_without_slow_imports():
    slow = {"pandas", "torch", "pyarrow", "scipy", "numpy"}
    code = f"import sys, vgp_bench.records.store; print(*{slow} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_status_is_strict_json(tmp_path):
    store = begun(tmp_path / "run")
    status = json.loads((store.path / "status.json").read_text())
    assert set(status) == {"state", "reason", "started", "ended", "pid", "host", "owner"}
    assert (status["state"], status["pid"], status["ended"]) == ("running", os.getpid(), None)
