"""Runs of a sweep that have not begun: queued as long as somebody is there to run them, and not started after that."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.made_runs import make_run, mlp_config
from vgp_bench.cli import main
from vgp_bench.overview import SILENCE, overview
from vgp_bench.records.identity import run_id
from vgp_bench.records.processes import here, start_of
from vgp_bench.sweep_record import SweepRun, write_sweep

EXPERIMENT = Path("results/made")
ME = {"place": here(), "pid": os.getpid(), "start": start_of(os.getpid())}
GONE = ME | {"start": "1"}
ELSEWHERE = ME | {"place": "another machine"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def name(seed: int) -> str:
    return run_id(mlp_config(seed))


def sweep(seeds: range, **fields: Any) -> None:
    """The file of a sweep over these seeds that was started now by this process; fields: others than that."""
    path = write_sweep(EXPERIMENT, ["vgp-bench"], "inline", [SweepRun(name(seed), f"{seed=}", seed) for seed in seeds])
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def held(seed: int, holder: Any) -> None:
    tasks = EXPERIMENT / ".sweep" / "tasks"
    tasks.mkdir(parents=True, exist_ok=True)
    (tasks / f"{name(seed)}.holder.json").write_text(json.dumps(holder))


def ago(time: timedelta) -> str:
    return (datetime.now(UTC) - time).isoformat(timespec="seconds")


def counts() -> dict[str, int]:
    found = overview([Path("results")])
    assert found.is_under_way == any(state.is_under_way for state in found.sweeps) == bool(found.counts["queued"])
    return dict(found.counts)


@pytest.mark.parametrize("process", [GONE, {}, {"pid": 1}, {"place": here(), "pid": "one", "start": None}])
def test_whose_process_is_gone_waits_for_nothing(process: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    make_run(Path("results"), mlp_config(0), test_accuracy=0.5)
    sweep(range(3))
    assert counts() == {"completed": 1, "queued": 2}
    sweep(range(3), process=process)
    assert counts() == {"completed": 1, "not started": 2}
    assert main(["status", "results", "--watch"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "3 runs: 1 completed, 2 not started"
    assert lines[-1] == "  2 runs are left and nobody is working on it: the same command goes on"
    assert main(["log", name(1)]) == 0
    reason = "whoever was to run it is gone; the same command goes on with it"
    assert capsys.readouterr().out == f"results/made/{name(1)}  seed=1\nnot started: {reason}\n"


def test_a_file_of_an_earlier_version_names_no_process() -> None:
    sweep(range(1))
    (path,) = (EXPERIMENT / ".sweep").glob("*.json")
    path.write_text(json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key != "process"}))
    assert counts() == {"not started": 1}


@pytest.mark.parametrize(
    ("holder", "state"),
    [
        ({"engine": "local", **ME}, "queued"),
        ({"engine": "local", **GONE}, "not started"),
        ({"engine": "local", **ELSEWHERE}, "queued"),
        ({"engine": "slurm", "job": "7_0"}, "queued"),
        ({}, "not started"),
        ([], "not started"),
    ],
)
def test_a_detached_one_is_in_the_hands_of_whom_it_was_given_to(holder: Any, state: str) -> None:
    sweep(range(2), process=GONE)
    held(0, holder)
    assert counts() == ({"not started": 2} if state == "not started" else {"queued": 1, "not started": 1})


def test_a_process_elsewhere_is_believed_while_there_are_signs_of_life() -> None:
    old = SILENCE + timedelta(minutes=1)
    sweep(range(2), process=ELSEWHERE)
    assert counts() == {"queued": 2}
    sweep(range(2), process=ELSEWHERE, started=ago(old))
    assert counts() == {"not started": 2}
    status = make_run(Path("results"), mlp_config(0), test_accuracy=0.5) / "status.json"
    assert counts() == {"completed": 1, "queued": 1}
    status.write_text(json.dumps(json.loads(status.read_text()) | {"started": ago(old), "ended": ago(old)}))
    assert counts() == {"completed": 1, "not started": 1}
    running = {"state": "running", "owner": "", "ended": None}
    status.write_text(json.dumps(json.loads(status.read_text()) | running))
    assert overview([Path("results")]).counts == {"running": 1, "queued": 1}, "a run may take days"


@pytest.mark.parametrize("living", [0, 1])
def test_a_run_of_two_sweeps_waits_as_long_as_one_of_them_lives(living: int) -> None:
    for number, seeds in enumerate((range(2), range(1, 3))):
        sweep(seeds, process=ME if number == living else GONE, started=ago(timedelta(minutes=9 - number)))
    assert counts() == {"queued": 2, "not started": 1}


def test_a_process_that_has_ended_is_found_out() -> None:
    code = (
        "from pathlib import Path; from vgp_bench.sweep_record import SweepRun, write_sweep; import sys; "
        f"write_sweep(Path('{EXPERIMENT}'), [], 'inline', [SweepRun('{name(0)}', '', 1)]); "
        "print('ready', flush=True); sys.stdin.readline()"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        assert counts() == {"queued": 1}
        process.kill()
        process.wait()
    assert counts() == {"not started": 1}
