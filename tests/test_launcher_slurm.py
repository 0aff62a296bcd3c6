"""Runs on a real Slurm of two small nodes, to which everything happens that happens on a cluster."""

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faulty import ROOT, Recorder, folder_of_faults, tasks_of
from tests.slurm_box import SlurmBox, slurm_box
from vgp_bench.errors import ConfigError
from vgp_bench.launchers import slurm_sweep
from vgp_bench.launchers.slurm import Slurm
from vgp_bench.launchers.slurm_script import batch_script
from vgp_bench.launchers.task_files import TaskFiles
from vgp_bench.records.reading import find_runs


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of_faults(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture
def box(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmBox]:
    monkeypatch.setattr(slurm_sweep, "LOST_AFTER", 10.0)  # this file system shows a file at once
    with slurm_box(tmp_path_factory.mktemp("s") / "b") as running:
        monkeypatch.setenv("SLURM_CONF", str(running.conf))
        yield running


def node_of(box: SlurmBox, job: str) -> str:
    return box.call("squeue", "-h", "-j", job, "-t", "running", "-o", "%N").strip()


def log_of(task: object) -> str:
    return TaskFiles(task).log.read_text()  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_sweep_survives_preemption_time_out_a_killed_node_and_a_cancelled_task(box: SlurmBox, tmp_path: Path) -> None:
    marks = {n: tmp_path / f"mark{n}" for n in (1, 2, 3)}
    special = {n: ["optimizer.kind=wait", f"optimizer.mark={mark}"] for n, mark in marks.items()}
    special[22] = ["optimizer.kind=raise"]
    special[23] = ["optimizer.kind=exit"]
    tasks = tasks_of([[f"seed={n}", *special.get(n, [])] for n in range(1, 25)], tmp_path / "results")
    troubles: list[BaseException] = []

    def make_trouble() -> None:
        try:
            box.until(lambda: "1_23|PENDING" in box.call("squeue", "-h", "-r", "-o", "%i|%T"))
            box.call("scancel", "1_23")
            box.until(marks[1].exists)
            where = node_of(box, "1_0")
            box.call("sbatch", "-p", "high", "-w", where, "-o", "/dev/null", text="#!/bin/bash\nsleep 3\n")
            box.until(marks[2].exists)
            where = node_of(box, "1_1")
            box.kill_node(where)
            box.until(lambda: "down" in box.call("sinfo", "-h", "-N", "-n", where, "-o", "%t"))
            box.start_node(where)
        except BaseException as error:
            troubles.append(error)

    thread = threading.Thread(target=make_trouble)
    thread.start()
    seen = Recorder()
    # The signal comes after 45 s: on a machine that is busy with other things a run takes half a minute to begin.
    Slurm(time=2, warning=75, poll=0.5, cpus=1).launch(tasks, seen)
    thread.join()
    assert troubles == []
    wrong = {22: "failed", 23: "lost", 24: "lost"}
    others = {n: end.reason for n, end in seen.ends.items() if end.state != wrong.get(n, "completed")}
    assert others == {}, [log_of(tasks[n - 1])[-2000:] for n in others]
    assert len(seen.ends) == 24
    assert seen.ends[22].reason.startswith("ArithmeticError: an own part; see ")
    assert seen.ends[23].reason.startswith("its job ended as FAILED; see ")
    assert re.match(r"(Slurm no longer knows its job|its job was cancelled)", seen.ends[24].reason)
    for task, what in zip(tasks, ("preempted", "killed", "timed out"), strict=False):
        assert "start 2\n" in log_of(task), what
    assert "asked to leave by Slurm" in log_of(tasks[0])
    # Its node was gone before it could say anything. The second attempt may be asked to leave: Slurm is early at times.
    assert "asked to leave by Slurm" not in log_of(tasks[1]).split("start 2")[0]
    assert "asked to leave by Slurm" in log_of(tasks[2])
    done = [run for run in find_runs([tmp_path / "results"]) if run.state == "completed"]
    assert len(done) == 21
    assert all(run.summary and run.summary.steps == 6 for run in done)


def test_a_detached_sweep_is_picked_up_and_not_submitted_twice(box: SlurmBox, tmp_path: Path) -> None:
    lines = [["seed=1", "optimizer.kind=wait", f"optimizer.mark={tmp_path}/mark"], ["seed=2"], ["seed=3"]]
    tasks = tasks_of(lines, tmp_path / "results", "jobs=2")
    launcher = Slurm(poll=0.5)
    assert launcher.detach(tasks[:2]) == "2 runs are in Slurm's queue (`scancel 1` stops them)"
    assert launcher.detach(tasks) == "1 run is in Slurm's queue; 2 were there (`scancel 2` stops them)"
    assert launcher.detach(tasks) == "3 runs were in Slurm's queue and are left there"

    def wake() -> None:
        box.until((tmp_path / "mark").exists)
        time.sleep(0.5)
        box.call("scancel", "--batch", "--signal=USR2", "1_0")

    thread = threading.Thread(target=wake)
    thread.start()
    seen = Recorder()
    launcher.launch(tasks, seen)
    thread.join()
    assert seen.states() == {1: "completed", 2: "completed", 3: "completed"}
    assert "start 2\n" in log_of(tasks[0]), "asked to leave, it queued itself again"
    assert set(box.call("squeue", "-h", "-t", "all", "-o", "%A").split()) <= {"1", "2", "3"}


def test_ctrl_c_ends_what_was_submitted_and_keeps_what_it_has(box: SlurmBox, tmp_path: Path) -> None:
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored below a `command &`\n"
        "from pathlib import Path; from tests.faulty import tasks_of, Recorder\n"
        "from vgp_bench.launchers.slurm import Slurm\n"
        "lines = [[f'seed={n}', 'optimizer.kind=wait', f'optimizer.mark=m{n}'] for n in range(4)]\n"
        "tasks, seen = tasks_of(lines, Path('results'), 'jobs=1'), Recorder()\n"
        "try: Slurm(poll=0.5).launch(tasks, seen)\n"
        "except KeyboardInterrupt: print(sorted(seen.states().items()))\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        box.until((tmp_path / "m0").exists)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=90)
    assert out == "[(1, 'interrupted')]\n"
    assert [run.state for run in find_runs(["results"])] == ["interrupted"]
    assert box.call("squeue", "-h", "-t", "pending,running") == ""
    assert not (tmp_path / "m1").exists(), "jobs=1: one at a time"


def test_what_slurm_says_against_a_job_is_told_in_one_line(box: SlurmBox, tmp_path: Path) -> None:
    tasks = tasks_of([["seed=1"]], tmp_path / "results")
    with pytest.raises(ConfigError, match=r"^launcher=slurm: sbatch refuses: .*nosuch") as caught:
        Slurm(partition="nosuch").launch(tasks, Recorder())
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match=r"^launcher=slurm: sbatch refuses: .*unrecognized option"):
        Slurm(extra={"nonsense": 3}).launch(tasks, Recorder())


def test_without_slurm_one_line_says_where_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = tasks_of([["seed=1"]], tmp_path / "results")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"^launcher=slurm: no sbatch here; run on a login node"):
        Slurm().launch(tasks, Recorder())


def test_the_keys_become_options_of_sbatch(tmp_path: Path) -> None:
    settings = Slurm("gpu", "me", 90, 2, "8G", 4, extra={"constraint": "a100|h100", "exclusive": True, "qos": None})
    text = batch_script(settings, "study", 24, 5, (), tmp_path / "a b.txt", tmp_path / "%A.out")
    found = {line.removeprefix("#SBATCH ") for line in text.splitlines() if line.startswith("#SBATCH ")}
    assert found >= {
        *("--partition=gpu", "--account=me", "--time=90", "--gres=gpu:2", "--mem=8G", "--cpus-per-task=4"),
        *("--array=0-23%5", "--requeue", "--signal=B:USR2@60", "--constraint='a100|h100'", "--exclusive"),
    }
    assert not any("qos" in line or "dependency" in line for line in found)
    assert "export OMP_NUM_THREADS=4\n" in text
    assert subprocess.run(["bash", "-n"], input=text, text=True).returncode == 0
