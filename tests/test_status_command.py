"""`vgp-bench status`: what it says of folders whose states are put in by hand."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.made_runs import mlp_config
from tests.made_sweeps import EXPERIMENT, RESULTS, made, shown, stamp, sweep_of
from vgp_bench.cli import main
from vgp_bench.overview import overview
from vgp_bench.overview_text import overview_text, screen_text
from vgp_bench.records.identity import run_id
from vgp_bench.records.reading import find_runs
from vgp_bench.records.store import run_path
from vgp_bench.sweep_record import SweepRun, read_sweeps, write_sweep


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_state_is_counted_and_the_sum_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(3):
        made(seed)
    made(3, "diverged", reason="the loss is nan")
    made(4, "failed", reason="ArithmeticError: once")
    made(5, "interrupted")
    made(6, "running", host=socket.gethostname(), pid=os.getpid())
    damaged = made(7)
    (damaged / "status.json").write_text("{")
    sweep_of(range(10))
    lines = shown(capsys)
    assert " ".join(lines[:2]).replace("   ", " ") == (
        "10 runs: 3 completed, 1 diverged, 1 failed, 1 interrupted, 1 damaged, 1 running, 2 queued"
    )


def test_a_running_run_has_its_place_its_process_and_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    started = stamp(timedelta(minutes=12))
    path = made(0, "running", host=socket.gethostname(), pid=os.getpid(), started=started)
    sweep_of(range(1))
    lines = shown(capsys)
    (line,) = [line for line in lines if line.startswith(path.name)]
    words = re.split("  +", line)
    # 30 steps and 2 of 7 epochs are written
    assert words == [path.name, "12 min", f"{socket.gethostname()[:13]}:{os.getpid()}", "step 30, epoch 3 of 7",
                     "seed=0"]  # fmt: skip


def test_failures_are_grouped_by_reason(capsys: pytest.CaptureFixture[str]) -> None:
    paths = [made(seed, "failed", reason="ArithmeticError: once") for seed in range(2)]
    other = made(2, "failed", reason="another")
    sweep_of(range(3))
    lines = shown(capsys)
    start = lines.index("failed, 2 runs: ArithmeticError: once")
    assert sorted(lines[start + 1 : start + 3]) == sorted(f"  {p.name}  seed={s}" for s, p in enumerate(paths))
    assert lines[lines.index("failed: another") + 1] == f"  {other.name}  seed=2"
    assert lines[-1] == "More about one: vgp-bench log RUN"


def test_all_failures_are_named_the_end_of_a_sweep_sends_us_here_for_them(capsys: pytest.CaptureFixture[str]) -> None:
    paths = [made(seed, "failed", reason="equal" if seed < 22 else "other") for seed in range(23)]
    lines = shown(capsys)
    assert sorted(line.strip() for line in lines if line.startswith("  ")) == sorted(path.name for path in paths)


def test_on_a_screen_stands_as_much_as_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(23):
        made(seed, "failed", reason=f"reason {seed % 2}")
    for seed in range(23, 27):
        made(seed, "running", host=socket.gethostname(), pid=os.getpid(), started=stamp(timedelta(minutes=1)))
    sweep_of(range(30))
    found = overview([RESULTS])
    monkeypatch.setenv("COLUMNS", "70")
    named = {}
    for rows in range(5, 61):
        monkeypatch.setenv("LINES", str(rows))
        lines = screen_text(found).splitlines()
        assert len(lines) < rows
        assert max(map(len, lines)) <= 70
        assert lines[0] == "30 runs: 23 failed, 4 running, 3 queued"
        assert rows < 24 or lines[-1].startswith("  4 running, 3 queued, "), "and how fast it goes on"
        named[rows] = sum(bool(re.match("  [0-9a-f]{12}", line)) for line in lines)
    assert named[60] == 23
    assert min(named[rows] for rows in range(24, 61)) >= 3


def test_rate_and_remaining_time_of_a_sweep_are_those_of_the_last_hour(capsys: pytest.CaptureFixture[str]) -> None:
    ages = [5, 20, 50, 90, 200]  # minutes ago; three within the hour
    for seed, minutes in enumerate(ages):
        made(seed, started=stamp(timedelta(hours=4)), ended=stamp(timedelta(minutes=minutes)))
    sweep_of(range(11), started=stamp(timedelta(hours=4)))
    lines = shown(capsys)
    # 6 queued at 3 an hour
    assert lines[-1] == "  6 queued, 3 ended in the last hour, about 2 h 00 min left"


def test_the_rate_of_a_young_sweep_counts_from_its_start() -> None:
    for seed in range(4):
        made(seed, started=stamp(timedelta(minutes=10)), ended=stamp(timedelta(minutes=1)))
    sweep_of(range(10), started=stamp(timedelta(minutes=20)))
    (state,) = overview([RESULTS]).sweeps
    assert state.remaining is not None
    assert abs(state.remaining.total_seconds() - 6 * 20 * 60 / 4) < 10


def test_an_interrupted_run_is_not_done_and_says_nothing_of_the_rate(capsys: pytest.CaptureFixture[str]) -> None:
    made(0, ended=stamp(timedelta(minutes=10)))
    made(1, "interrupted", ended=stamp(timedelta(minutes=5)))
    made(2, "interrupted", ended=stamp(timedelta(minutes=5)))
    sweep_of(range(5), started=stamp(timedelta(minutes=20)))
    # One run in 20 minutes, and two queued
    assert shown(capsys)[-1] == "  2 queued, 1 ended in the last hour, about 40 min left"


def test_what_an_earlier_call_ended_is_counted_but_says_nothing_of_the_rate(capsys: pytest.CaptureFixture[str]) -> None:
    for seed, minutes in enumerate([50, 40, 5]):
        made(seed, ended=stamp(timedelta(minutes=minutes)))
    sweep_of(range(5), started=stamp(timedelta(minutes=10)))
    assert shown(capsys)[-1] == "  2 queued, 3 ended in the last hour, about 20 min left"


@pytest.mark.parametrize("state", ["interrupted", "lost"])
def test_nobody_works_on_a_sweep_whose_process_is_gone(state: str, capsys: pytest.CaptureFixture[str]) -> None:
    made(0, ended=stamp(timedelta(minutes=10)))
    made(1, "running" if state == "lost" else state, host=socket.gethostname(), pid=2**22 + 1)
    sweep_of(range(4), process={}, started=stamp(timedelta(minutes=20)))
    lines = shown(capsys, "results", "--watch")  # and it ends
    assert lines[0] == f"4 runs: 1 completed, 1 {state}, 2 not started"
    assert lines[-2:] == [
        "  vgp-bench run seeds=9",
        "  3 runs are left and nobody is working on it: the same command goes on",
    ]
    assert not any(line.endswith(" left") for line in lines)


def test_a_run_that_cannot_be_read_is_not_completed(capsys: pytest.CaptureFixture[str]) -> None:
    paths = [made(seed) for seed in range(4)]
    (paths[0] / "config.yaml").write_text("{{")
    (paths[1] / "summary.json").unlink()
    (paths[2] / "steps.parquet").write_bytes((paths[2] / "steps.parquet").read_bytes()[:-1])
    lines = shown(capsys)
    assert lines[0] == "4 runs: 1 completed, 3 damaged"
    text = " ".join(" ".join(lines).split())
    assert f"damaged: cannot read {paths[0] / 'config.yaml'}: it cannot be parsed {paths[0].name}" in text
    assert f"damaged: {paths[1] / 'summary.json'} is missing {paths[1].name}" in text
    assert f"damaged: {paths[2] / 'steps.parquet'} is not a readable Parquet file {paths[2].name}" in text
    assert "damaged: damaged" not in text


def test_a_run_that_was_gone_on_with_says_from_where(capsys: pytest.CaptureFixture[str]) -> None:
    path = made(0, "running", host=socket.gethostname(), pid=os.getpid())
    environment = json.loads((path / "environment.json").read_text())
    resumed = [{"step": 0, "problems": ["damaged"]}, {"step": 12}, {"step": 20}]
    (path / "environment.json").write_text(json.dumps(environment | {"resumed": resumed}))
    assert "step 30 (resumed at 20), epoch 3 of 7" in " ".join(" ".join(shown(capsys)).split())
    assert main(["log", str(path)]) == 0
    assert "gone on with from step 12, then from step 20" in capsys.readouterr().out.splitlines()


def test_a_finished_sweep_takes_no_lines(capsys: pytest.CaptureFixture[str]) -> None:
    made(0)
    sweep_of(range(1))
    assert shown(capsys) == ["1 run: 1 completed"]


def test_nothing_is_wider_than_80_columns() -> None:
    for seed in range(3):
        made(seed, "failed", reason="a long word " * 30)
    made(3, "running", host="a-host-with-a-very-long-name.example.org", pid=123456)
    path = sweep_of(range(5))
    content = json.loads(path.read_text())
    content["command"] = ["vgp-bench", "run", *(f"key_{n}=value" for n in range(50))]
    content["runs"] = [run | {"label": "architecture.depth=1 " * 10} for run in content["runs"]]
    path.write_text(json.dumps(content))
    text = overview_text(overview([RESULTS]), 80)
    assert max(map(len, text.splitlines())) <= 80
    # And nothing is cut off: neither the reason nor the command, of which the end may be what matters.
    assert " ".join(text.split()).count("a long word") == 30
    assert all(f"key_{n}=value" in text for n in range(50))
    assert not any(line != line.rstrip() for line in text.splitlines())


def test_one_run_or_one_experiment_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    path = made(0)
    made(1, "failed")
    sweep_of(range(4))
    assert shown(capsys, str(path)) == ["1 run: 1 completed"]
    assert shown(capsys, str(EXPERIMENT))[0] == "4 runs: 1 completed, 1 failed, 2 queued"
    assert shown(capsys, str(EXPERIMENT), "results", str(path))[0] == "4 runs: 1 completed, 1 failed, 2 queued"


def test_a_sweep_none_of_whose_runs_has_begun(capsys: pytest.CaptureFixture[str]) -> None:
    sweep_of(range(3))
    assert shown(capsys)[0] == "3 runs: 3 queued"


def test_a_job_that_a_launcher_gave_up_before_its_record_is_not_queued(capsys: pytest.CaptureFixture[str]) -> None:
    sweep_of(range(2))
    name = run_id(mlp_config(seed=1, trainer={"max_epochs": 7}))
    tasks = EXPERIMENT / ".sweep" / "tasks"
    tasks.mkdir()
    (tasks / f"{name}.outcome.json").write_text(json.dumps({"state": "lost", "reason": "cancelled", "path": None}))
    lines = shown(capsys)
    assert lines[0] == "2 runs: 1 lost, 1 queued"
    assert lines[lines.index("lost: cancelled") + 1] == f"  {name}  seed=1"


def test_the_files_of_sweeps_are_no_runs_and_hurt_nobody() -> None:
    made(0)
    sweep_of(range(1))
    (EXPERIMENT / ".sweep" / "logs").mkdir()
    (EXPERIMENT / ".sweep" / "damaged.json").write_text("{")
    assert len(find_runs([RESULTS])) == 1
    assert len(read_sweeps([EXPERIMENT])) == 1


def test_a_sweep_has_one_file_whatever_the_order_of_its_runs() -> None:
    runs = [SweepRun(f"{n:012x}", f"seed={n}", n) for n in range(3)]
    assert write_sweep(EXPERIMENT, ["a"], "inline", runs) == write_sweep(EXPERIMENT, ["b"], "local", runs[::-1])
    assert write_sweep(EXPERIMENT, ["a"], "inline", runs[:2]).exists()
    assert [sweep.command for sweep in read_sweeps([EXPERIMENT])] in ([["a"], ["b"]], [["b"], ["a"]])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("status none", "no such folder: none; give a run, an experiment or the results folder"),
        ("status .", "no run (a folder with a status.json) in .; give the folder of a run"),
        ("log none", "none: no folder of a run, and no id: give 3 digits of it or more"),
        ("log ab", "ab: no folder of a run, and no id: give 3 digits of it or more"),
        ("log abc", "no such folder: results; give a run, an experiment or the results folder"),
    ],
)
def test_mistakes(words: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split()) == 2
    assert capsys.readouterr() == ("", f"vgp-bench: {message}\n")


def test_a_thousand_runs_are_counted_in_a_second_without_torch() -> None:
    model = made(0)
    for n in range(1, 1000):
        path = run_path(RESULTS, "made", f"{n:012x}")
        path.mkdir()
        for file in model.iterdir():
            (path / file.name).write_bytes(file.read_bytes())
    code = (
        "import sys, time; sys.modules['torch'] = None; from vgp_bench.cli import main; "
        "t = time.process_time(); main(['status', 'results']); print(time.process_time() - t)"
    )
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    print(f"{time.perf_counter() - started:.2f} s in all")
    counts, seconds = done.stdout.splitlines()
    assert counts == "1000 runs: 1000 completed"
    assert float(seconds) < 1
