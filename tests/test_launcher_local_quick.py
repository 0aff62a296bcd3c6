"""What the launcher of processes makes of their ends, with workers that train nothing: one test takes a second."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faulty import Recorder, folder_of_faults, tasks_of
from tests.made_runs import make_run, mlp_config
from tests.stand_ins import quick_workers
from vgp_bench.errors import ResultsError, Stopped
from vgp_bench.launchers import local_elsewhere, processes
from vgp_bench.launchers.launcher import Task
from vgp_bench.launchers.local import Local
from vgp_bench.launchers.local_elsewhere import Elsewhere
from vgp_bench.launchers.processes import Worker, ended_like_ctrl_c, identity, lives, uninterrupted
from vgp_bench.launchers.slots import usable_cores
from vgp_bench.launchers.task_files import TaskFiles
from vgp_bench.outcome import Outcome
from vgp_bench.records.ownership import Ownership, current_owner
from vgp_bench.records.reading import read_status
from vgp_bench.worker import outcome_path, write_outcome

EVERY = local_elsewhere.EVERY


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of_faults(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(local_elsewhere, "EVERY", 0.05)
    quick_workers(tmp_path, monkeypatch)


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """Another process, which may hold tasks."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def launched(tasks: list[Task], recorder: Recorder | None = None, **settings: float) -> Recorder:
    recorder = recorder or Recorder()
    Local(**{"grace": 20.0, **settings}).launch(tasks, recorder)  # type: ignore[arg-type]
    return recorder


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def later(condition: Callable[[], object], act: Callable[[], object]) -> threading.Thread:
    """Acts once it is so."""

    def wait() -> None:
        until(condition)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def pid_in(mark: str) -> int:
    until(lambda: Path(mark).exists() and Path(mark).read_text())
    return int(Path(mark).read_text())


def begun(task: Task) -> int:
    """How many workers it had."""
    log = TaskFiles(task).log
    return log.read_text().count("(process ") if log.exists() else 0


def held_by(process: "subprocess.Popen[bytes]", task: Task) -> TaskFiles:
    files = TaskFiles(task)
    files.prepare()
    files.hold({"engine": "local", **identity(process.pid)})
    return files


def test_a_worker_that_is_asked_to_leave_from_outside_is_begun_again(tmp_path: Path) -> None:
    tasks = tasks_of([["seed=1", "optimizer.kind=wait", "optimizer.mark=m"]], tmp_path / "results")
    thread = later(lambda: Path("m").exists(), lambda: os.kill(pid_in("m"), signal.SIGTERM))
    assert launched(tasks).states() == {1: "completed"}
    thread.join()
    assert begun(tasks[0]) == 2


def test_without_restarts_it_is_not(tmp_path: Path) -> None:
    tasks = tasks_of([["seed=1", "optimizer.kind=wait", "optimizer.mark=m"]], tmp_path / "results")
    later(lambda: Path("m").exists(), lambda: os.kill(pid_in("m"), signal.SIGTERM))
    seen = launched(tasks, restarts=0)
    assert (seen.ends[1].state, seen.ends[1].reason.split(";")[0]) == ("interrupted", "it was asked to stop")


def test_what_a_worker_began_does_not_outlive_it(tmp_path: Path) -> None:
    tasks = tasks_of([["seed=1", "optimizer.kind=child", "optimizer.mark=m"]], tmp_path / "results")
    assert launched(tasks).states() == {1: "completed"}
    until(lambda: not lives(identity(pid_in("m"))), 20)


def test_a_worker_that_cannot_be_started_is_a_failure_and_its_slot_is_free_again(tmp_path: Path) -> None:
    tasks = tasks_of([["seed=1"], ["seed=2"]], tmp_path / "results", "jobs=1")
    TaskFiles(tasks[0]).log.mkdir(parents=True)
    seen = launched(tasks)
    assert seen.states() == {1: "failed", 2: "completed"}
    assert re.match(r"its process could not be started: .*Is a directory", seen.ends[1].reason)


def test_a_time_limit_is_the_reason_in_the_record_too(tmp_path: Path) -> None:
    tasks = tasks_of([["seed=1", "optimizer.kind=hang"]], tmp_path / "results")
    seen = launched(tasks, time_limit=0.1, grace=0.2)
    reason = "it ran longer than launcher.time_limit=0.1 minutes and was killed"
    assert (seen.ends[1].state, seen.ends[1].reason.split(";")[0]) == ("lost", reason)
    status = read_status(tasks[0].path)
    assert (status.state, status.reason, bool(status.ended)) == ("interrupted", reason, True)
    assert current_owner(tasks[0].path) is None


def test_a_process_that_the_system_cannot_end_is_named_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = tasks_of([["seed=1", "optimizer.kind=hang"], ["seed=2"]], tmp_path / "results", "jobs=1")
    workers: list[int] = []

    def deaf(worker: Worker) -> None:
        workers.append(worker.pid)

    monkeypatch.setattr(processes, "DYING", 0.2)
    with monkeypatch.context() as patch:
        patch.setattr(Worker, "_end_group", deaf)
        seen = launched(tasks, time_limit=0.02, grace=0.0)
    os.killpg(workers[0], signal.SIGKILL)
    assert re.search(rf"; process {workers[0]} cannot be killed: does the disk .* answer\?", seen.ends[1].reason)
    assert seen.states()[1] == "lost"
    assert 2 in seen.ends


def test_a_task_whose_holder_dies_meanwhile_is_begun_here(tmp_path: Path, other: "subprocess.Popen[bytes]") -> None:
    lines = [["seed=1", "optimizer.kind=kill", "optimizer.mark=m"], ["seed=2"]]
    tasks = tasks_of(lines, tmp_path / "results")
    held_by(other, tasks[0])
    seen = Recorder()
    thread = later(lambda: 2 in seen.ends, other.kill)
    launched(tasks, seen, restarts=1)
    thread.join()
    assert seen.states() == {1: "completed", 2: "completed"}
    assert seen.begun[0] == 1, "told when the watching began, and once"
    assert begun(tasks[0]) == 2, "killed once, and begun again: the time before counts for nothing"
    assert not list(tmp_path.rglob("*.holder.json"))


def test_the_end_of_a_task_that_another_process_holds_can_stop_the_sweep(
    tmp_path: Path, other: "subprocess.Popen[bytes]"
) -> None:
    lines = [["seed=1"], ["seed=2", "optimizer.kind=wait", "optimizer.mark=m"], ["seed=3"]]
    tasks = tasks_of(lines, tmp_path / "results", "jobs=1")
    spec = held_by(other, tasks[0]).spec
    thread = later(lambda: Path("m").exists(), lambda: write_outcome(spec, Outcome("", "failed", None, "own part")))
    assert launched(tasks, Recorder(enough=1)).states() == {1: "failed", 2: "interrupted"}
    thread.join()
    assert TaskFiles(tasks[0]).holder()["pid"] == other.pid, "it is not for this one to release it"


def test_what_ended_elsewhere_between_two_looks_is_told_when_the_sweep_stops(
    tmp_path: Path, other: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_elsewhere, "EVERY", 600.0)
    tasks = tasks_of([["seed=1"], ["seed=2", "optimizer.kind=raise"]], tmp_path / "results")
    spec = held_by(other, tasks[0]).spec

    class Ending(Recorder):
        def ended(self, task: Task, outcome: Outcome) -> bool:
            if task.number == 2:
                write_outcome(spec, Outcome("", "completed"))
            return super().ended(task, outcome)

    assert launched(tasks, Ending(enough=1)).states() == {1: "completed", 2: "failed"}


def test_tasks_of_others_are_not_looked_at_more_often_than_once_a_second(
    tmp_path: Path, other: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    assert EVERY == 1.0
    monkeypatch.setattr(local_elsewhere, "EVERY", EVERY)
    (task,) = tasks_of([["seed=1"]], tmp_path / "results")
    files = held_by(other, task)
    elsewhere = Elsewhere({"engine": "local", **identity(os.getpid())})
    elsewhere.watch(files)
    assert list(elsewhere.look()) == []
    write_outcome(files.spec, Outcome("", "failed", None, "own part"))
    assert list(elsewhere.look()) == [], "too early to look again"
    monkeypatch.setattr(local_elsewhere, "EVERY", 0.0)
    assert [outcome.state for _, outcome in elsewhere.look() if outcome] == ["failed"]


def test_the_worker_of_a_supervisor_that_was_killed_is_watched_to_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["optimizer.kind=hold", f"optimizer.cured={tmp_path}/cured"]
    tasks = tasks_of([["seed=1", *words], ["seed=2"]], tmp_path / "results", "jobs=1")
    supervisor = int(re.search(r"process (\d+) ", Local().detach(tasks))[1])  # type: ignore[index]
    assert os.getsid(supervisor) == supervisor, "or the end of the terminal would be its own"
    until(lambda: current_owner(tasks[0].path))
    os.kill(supervisor, signal.SIGKILL)
    until(lambda: not lives(identity(supervisor)))
    seen = Recorder()
    thread = later(lambda: 2 in seen.ends, Path("cured").touch)
    launched(tasks, seen)
    thread.join()
    assert seen.states() == {1: "completed", 2: "completed"}
    assert begun(tasks[0]) == 1
    line = f"vgp-bench: note: another process is running {tasks[0].path}, and its end is awaited; the others go on"
    assert line in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.holder.json"))


def test_a_run_that_somebody_has_in_hand_is_begun_once_it_is_left_without_an_end(tmp_path: Path) -> None:
    tasks = tasks_of([["seed=1"]], tmp_path / "results")
    tasks[0].path.mkdir(parents=True)
    somebody = Ownership(tasks[0].path)
    somebody.claim()
    seen = Recorder()
    thread = later(lambda: seen.begun, lambda: (time.sleep(0.3), somebody.release()))
    launched(tasks, seen)
    thread.join()
    assert (seen.states(), begun(tasks[0])) == ({1: "completed"}, 1)


def test_a_supervisor_stops_at_the_first_failure_if_that_is_wanted(tmp_path: Path) -> None:
    lines = [["seed=1", "optimizer.kind=raise"], ["seed=2"]]
    tasks = tasks_of(lines, tmp_path / "results", "jobs=1", "fail_fast=true")
    supervisor = int(re.search(r"process (\d+) ", Local().detach(tasks))[1])  # type: ignore[index]
    until(lambda: not lives(identity(supervisor)))
    assert [begun(task) for task in tasks] == [1, 0]
    (log,) = tmp_path.rglob("supervisors/*.log")
    assert re.fullmatch(
        rf"process {supervisor}\n1 started: .*\n1 failed: .*: ArithmeticError: an own part; see .*\n", log.read_text()
    )


def test_a_supervisor_that_is_killed_politely_says_so_in_a_line(tmp_path: Path) -> None:
    tasks = tasks_of([["seed=1", "optimizer.kind=wait", "optimizer.mark=m"]], tmp_path / "results")
    supervisor = int(re.search(r"kill (\d+)", Local(grace=20).detach(tasks))[1])  # type: ignore[index]
    worker = identity(pid_in("m"))
    os.kill(supervisor, signal.SIGTERM)
    until(lambda: not lives(identity(supervisor)))
    (log,) = tmp_path.rglob("supervisors/*.log")
    assert "Traceback" not in log.read_text()
    assert log.read_text().endswith("\nstopped: what ran is kept, and the same command goes on from there\n")
    assert not lives(worker)


def test_what_ended_for_one_launcher_is_not_taken_away_by_another(tmp_path: Path) -> None:
    (task,) = tasks_of([["seed=1"]], tmp_path / "results")
    first, second, third = TaskFiles(task), TaskFiles(task), TaskFiles(task)
    first.prepare()
    first.hold({"engine": "slurm", "job": "7_0"})
    third.follow()
    write_outcome(first.spec, Outcome("", "failed", None, "own part"))
    second.prepare()
    assert second.outcome() is None, "that was another attempt"
    for one in (first, third):
        outcome = one.outcome()
        assert outcome
        assert outcome.state == "failed"
    second.hold({"engine": "local", **identity(os.getpid())})
    first.release()
    assert second.holder()["engine"] == "local"
    write_outcome(second.spec, Outcome("", "lost", None, "later"))
    outcome = second.outcome()
    assert outcome
    assert outcome.state == "lost"


def test_an_end_is_kept_for_who_watches_from_elsewhere_unless_the_task_is_in_other_hands(tmp_path: Path) -> None:
    (task,) = tasks_of([["seed=1"]], tmp_path / "results")
    mine, theirs = TaskFiles(task), TaskFiles(task)
    mine.prepare()
    mine.hold({"engine": "local", **identity(os.getpid())})
    theirs.follow()
    mine.settle("lost", "killed")
    outcome = theirs.outcome()
    assert outcome
    assert (outcome.state, outcome.reason) == ("lost", "killed")
    theirs.prepare()
    theirs.hold({"engine": "slurm", "job": "7_0"})
    mine.prepare()
    assert mine.settle("lost", "again").reason == "again"
    assert theirs.outcome() is None, "its attempt goes on"


def test_nothing_is_settled_over_an_end(tmp_path: Path) -> None:
    (task,) = tasks_of([["seed=1"]], tmp_path / "results")
    files = TaskFiles(task)
    files.prepare()
    write_outcome(files.spec, Outcome("", "failed", None, "own part"))
    assert files.settle("lost", "its process ended with exit code 1").state == "failed"
    files.prepare()
    task.path.parent.mkdir(parents=True, exist_ok=True)
    make_run(Path("made"), mlp_config(), test_accuracy=0.5).rename(task.path)
    assert files.settle("lost", "its process ended with exit code 1").state == "completed"
    assert not outcome_path(files.spec).exists()


def test_a_divergence_of_old_is_no_end_where_it_is_to_be_repeated(tmp_path: Path) -> None:
    for retry, state in (("failed", "diverged"), ("all", "lost")):
        (task,) = tasks_of([[f"retry={retry}"]], tmp_path / retry)
        task.path.parent.mkdir(parents=True)
        make_run(tmp_path / f"made_{retry}", mlp_config(), state="diverged", epochs=()).rename(task.path)
        make = make_run(tmp_path / f"more_{retry}", mlp_config(), state="diverged", test_accuracy=0.1)
        (make / "summary.json").rename(task.path / "summary.json")
        assert TaskFiles(task).finished() is None or retry == "failed"
        files = TaskFiles(task)
        files.prepare()
        assert files.settle("lost", "killed").state == state


def test_an_end_that_cannot_be_put_aside_is_told_in_a_line(tmp_path: Path) -> None:
    (task,) = tasks_of([["seed=1"]], tmp_path / "results")
    files = TaskFiles(task)
    files.prepare()
    outcome_path(files.spec).mkdir()
    files.spec.with_suffix(".earlier.json").write_text("{}")
    with pytest.raises(ResultsError, match="a file is in the way: cannot write "):
        files.prepare()


def test_where_the_system_does_not_say_which_cores_are_ours_all_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")  # as on macOS
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert usable_cores() == 6


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_signal_that_ended_a_sweep_is_known(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with pytest.raises(Stopped) as stopped, ended_like_ctrl_c():  # noqa: PT012
            os.kill(os.getpid(), number)
            time.sleep(10)
        assert signal.getsignal(number) == signal.SIG_DFL
        signal.signal(number, signal.SIG_IGN)
        with ended_like_ctrl_c():
            assert signal.getsignal(number) == signal.SIG_IGN, "below nohup it stays so"
    finally:
        signal.signal(number, before)
    assert stopped.value.number == number


def test_what_must_not_be_left_half_done_is_done_before_ctrl_c() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():  # noqa: PT012
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
        done.append(1)
    assert done == [1]
