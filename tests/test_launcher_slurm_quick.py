"""What the launcher makes of what Slurm says, or does not say, by programs that stand in for Slurm's."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faulty import ROOT, Recorder, folder_of_faults, tasks_of
from tests.made_runs import make_run, mlp_config
from tests.stand_ins import FakeSlurm
from vgp_bench.errors import ConfigError, ResultsError, Stopped
from vgp_bench.launchers import slurm_arrays, slurm_commands, slurm_stop, slurm_sweep
from vgp_bench.launchers.launcher import Task
from vgp_bench.launchers.slurm import Slurm
from vgp_bench.launchers.slurm_script import batch_script
from vgp_bench.launchers.task_files import TaskFiles
from vgp_bench.outcome import Outcome
from vgp_bench.records.ownership import Ownership
from vgp_bench.records.reading import read_status
from vgp_bench.records.store import RunStore
from vgp_bench.worker import write_outcome


@pytest.fixture(autouse=True)
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    folder_of_faults(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(slurm_commands, "PAUSE", 0.0)
    monkeypatch.setattr(slurm_sweep, "LOST_AFTER", 0.0)
    monkeypatch.setattr(slurm_stop, "STOPPING", 0.2)
    monkeypatch.setattr(slurm_stop, "CANCELLING", 0.2)
    return FakeSlurm(tmp_path / "slurm", monkeypatch)


@pytest.fixture
def tasks(tmp_path: Path) -> list[Task]:
    return tasks_of([["seed=1"], ["seed=2"]], tmp_path / "results")


def end(task: Task, state: str = "completed", reason: str = "") -> None:
    """What the worker of a task says at its end."""
    write_outcome(TaskFiles(task).spec, Outcome("", state, None, reason))


class Acting(Recorder):
    """A watcher that also does something when a task is seen to begin."""

    def __init__(self, act: Callable[[Task], object], enough: int = 10**6) -> None:
        super().__init__(enough)
        self.act = act

    def started(self, task: Task):  # type: ignore[no-untyped-def]
        announce = super().started(task)
        self.act(task)
        return announce


def interrupt(task: Task) -> None:
    raise KeyboardInterrupt


def test_a_slurm_that_does_not_answer_has_nothing_submitted_twice(fake: FakeSlurm, tasks: list[Task]) -> None:
    Slurm().detach(tasks)
    fake.queue("7_0|PENDING|Priority", "7_1|PENDING|Priority")
    fake.is_away()
    for call in (lambda: Slurm().detach(tasks), lambda: Slurm().launch(tasks, Recorder())):
        with pytest.raises(ConfigError, match=r"^launcher=slurm: Slurm does not answer \(squeue fails\); try again"):
            call()
    assert len(fake.scripts) == 1
    assert [TaskFiles(task).holder()["job"] for task in tasks] == ["7_0", "7_1"]


def test_it_is_asked_again_before_that_is_said(fake: FakeSlurm, tasks: list[Task]) -> None:
    fake.is_away()
    squeue = fake.folder / "squeue"
    squeue.write_text(squeue.read_text().replace("[ -e", '[ "$(wc -l < "$d/asked")" -lt 3 ] && [ -e', 1))
    assert Slurm().detach(tasks) == "2 runs are in Slurm's queue (`scancel 7` stops them)"
    assert fake.asked == 3


def test_while_slurm_does_not_answer_nothing_is_concluded(
    fake: FakeSlurm, tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is away for longer than a job may be unknown."""
    monkeypatch.setattr(slurm_sweep, "LOST_AFTER", 0.1)
    squeue = fake.folder / "squeue"
    squeue.write_text(
        squeue.read_text().replace("[ -e", 'n=$(wc -l < "$d/asked"); [ $n -gt 1 ] && [ $n -lt 9 ] || [ -e', 1)
    )
    fake.queue("7_0|RUNNING|None", at=9)
    seen = Recorder()
    Slurm(poll=0.05).launch(tasks[:1], seen)
    assert seen.states() == {1: "lost"}
    assert seen.ends[1].reason == "Slurm no longer knows its job: it was cancelled, or lost"
    assert fake.asked >= 10, "it was not given up while Slurm was silent"


def test_who_stops_while_slurm_is_silent_leaves_the_jobs_in_their_hands(
    fake: FakeSlurm, tasks: list[Task], capsys: pytest.CaptureFixture[str]
) -> None:
    fake.queue("7_0|RUNNING|None", "7_1|PENDING|Priority")

    def stop(task: Task) -> None:
        fake.is_away()
        raise KeyboardInterrupt

    seen = Acting(stop)
    with pytest.raises(KeyboardInterrupt):
        Slurm(poll=0.05).launch(tasks, seen)
    assert seen.states() == {1: "interrupted"}
    assert seen.ends[1].reason == "the sweep was stopped, but Slurm has not said that job 7_0 ended"
    assert "these jobs ended, and they may go on: 7_0 7_1; `scancel 7_0 7_1` ends them" in capsys.readouterr().err
    fake.is_away(False)
    assert Slurm().detach(tasks) == "2 runs were in Slurm's queue and are left there"
    assert len(fake.scripts) == 1
    assert TaskFiles(tasks[0]).outcome() is None, "it may still end by itself"


def test_who_stops_cancels_what_it_submitted_and_not_what_it_found(fake: FakeSlurm, tmp_path: Path) -> None:
    tasks = tasks_of([["seed=1"], ["seed=2"], ["seed=3"]], tmp_path / "results")
    fake.queue("7_0|PENDING|Priority")
    Slurm().detach(tasks[:1])
    fake.queue("7_0|PENDING|Priority", "8_0|RUNNING|None", "8_1|PENDING|Priority")
    fake.queue("7_0|PENDING|Priority", "8_0|CANCELLED|None", "8_1|CANCELLED|None", at="after")
    seen = Acting(interrupt)
    with pytest.raises(KeyboardInterrupt):
        Slurm(poll=0.05).launch(tasks, seen)
    assert seen.states() == {2: "interrupted"}
    assert all(set(words.split()) & {"8_0", "8_1"} for words in fake.cancelled)
    assert not any("7" in words.replace("_", " ").split() for words in fake.cancelled)
    assert [TaskFiles(task).holder().get("job") for task in tasks] == ["7_0", None, None]


def test_a_terminal_that_goes_away_leaves_the_jobs_in_the_queue(
    fake: FakeSlurm, tasks: list[Task], capsys: pytest.CaptureFixture[str]
) -> None:
    fake.queue("7_0|RUNNING|None", "7_1|PENDING|Priority")
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        with pytest.raises(Stopped) as stopped:
            Slurm(poll=0.05).launch(tasks, Acting(lambda task: os.kill(os.getpid(), signal.SIGHUP)))
    finally:
        signal.signal(signal.SIGHUP, before)
    assert stopped.value.number == signal.SIGHUP
    assert fake.cancelled == []
    assert [TaskFiles(task).holder()["job"] for task in tasks] == ["7_0", "7_1"]
    assert "2 runs go on in Slurm's queue, the same command picks them up" in capsys.readouterr().err


def test_sigterm_ends_them(fake: FakeSlurm, tasks: list[Task]) -> None:
    fake.queue("7_0|RUNNING|None", "7_1|PENDING|Priority")
    fake.queue(at="after")
    seen = Acting(lambda task: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Stopped) as stopped:
        Slurm(poll=0.05).launch(tasks, seen)
    assert stopped.value.number == signal.SIGTERM
    assert seen.states() == {1: "interrupted"}
    assert fake.cancelled[:2] == ["--state=PENDING 7_0 7_1", "--batch --signal=TERM 7_0 7_1"]
    assert not any(TaskFiles(task).holder() for task in tasks)


def test_ctrl_c_while_jobs_are_submitted_waits_until_they_are_known(
    fake: FakeSlurm, tasks: list[Task], capsys: pytest.CaptureFixture[str]
) -> None:
    fake.touch("ctrl_c")
    with pytest.raises(KeyboardInterrupt):
        Slurm().detach(tasks)
    assert [TaskFiles(task).holder()["job"] for task in tasks] == ["7_0", "7_1"]
    assert "2 runs are in Slurm's queue (`scancel 7` stops them)" in capsys.readouterr().err
    for task in tasks:
        TaskFiles(task).hold({})
    with pytest.raises(KeyboardInterrupt):
        Slurm().launch(tasks, Recorder())
    assert fake.cancelled[-1].split()[-2:] == ["8_0", "8_1"]


def test_jobs_that_nobody_can_be_told_of_are_cancelled(
    fake: FakeSlurm, tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(files: TaskFiles, holder: object) -> None:
        raise ResultsError("disk full")

    monkeypatch.setattr(TaskFiles, "hold", full)
    with pytest.raises(ResultsError):
        Slurm().detach(tasks)
    assert fake.cancelled == ["7"]


def many(task: Task, count: int) -> list[Task]:
    return [replace(task, number=n, path=task.path.with_name(f"{n:012x}")) for n in range(1, count + 1)]


def test_1001_tasks_are_two_arrays_and_with_a_limit_the_second_waits(
    fake: FakeSlurm, tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert slurm_arrays.LARGEST_ARRAY == 1000, "Slurm's MaxArraySize is 1001, and counts from 0"
    monkeypatch.setattr(slurm_arrays, "LARGEST_ARRAY", 3)
    assert Slurm(max_parallel=2).detach(many(tasks[0], 7)) == "7 runs are in Slurm's queue (`scancel 7 8 9` stops them)"
    options = fake.options()
    assert [one["array"] for one in options] == ["0-2%2", "0-2%2", "0-0%2"]
    assert [one.get("dependency") for one in options] == [None, "afterany:7", "afterany:7:8"]


def test_without_a_limit_arrays_do_not_wait(
    fake: FakeSlurm, tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm_arrays, "LARGEST_ARRAY", 3)
    Slurm(extra={"dependency": "singleton"}).detach(many(tasks[0], 4))
    assert [(one["array"], one["dependency"]) for one in fake.options()] == [("0-2", "singleton"), ("0-0", "singleton")]


def test_a_second_array_that_is_refused_leaves_the_first_named(
    fake: FakeSlurm, tasks: list[Task], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(slurm_arrays, "LARGEST_ARRAY", 1)
    fake.touch("refused1")
    with pytest.raises(ConfigError, match=r"^launcher=slurm: sbatch refuses: no more$"):
        Slurm().detach(tasks)
    assert "1 run is in Slurm's queue (`scancel 7` stops them)" in capsys.readouterr().err


def test_a_task_that_was_pushed_out_is_submitted_again_behind_the_others(fake: FakeSlurm, tmp_path: Path) -> None:
    """Slurm was told elsewhere not to queue it again by itself. jobs=1 holds for all arrays together."""
    tasks = tasks_of([["seed=1"], ["seed=2"]], tmp_path / "results", "jobs=1")
    fake.queue("7_0|PREEMPTED|None", "7_1|RUNNING|None")

    def finish() -> None:
        try:
            until(lambda: TaskFiles(tasks[0]).holder().get("job") == "8_0", 20)
        finally:
            for task in tasks:
                end(task)

    thread = threading.Thread(target=finish)
    thread.start()
    seen = Recorder()
    Slurm(poll=0.05).launch(tasks, seen)
    thread.join()
    assert seen.states() == {1: "completed", 2: "completed"}
    first, second = fake.options()
    assert (first["array"], first.get("dependency")) == ("0-1%1", None)
    assert (second["array"], second["dependency"]) == ("0-0%1", "afterany:7")


def test_what_is_added_later_waits_for_what_is_there(fake: FakeSlurm, tmp_path: Path) -> None:
    tasks = tasks_of([["seed=1"], ["seed=2"]], tmp_path / "results", "jobs=1")
    Slurm().detach(tasks[:1])
    fake.queue("7_0|PENDING|Priority")
    assert Slurm().detach(tasks) == "1 run is in Slurm's queue; 1 was there (`scancel 8` stops them)"
    assert fake.options()[1]["dependency"] == "afterany:7"


def test_a_task_that_is_pushed_out_too_often_is_lost(fake: FakeSlurm, tasks: list[Task]) -> None:
    fake.queue(*(f"{array}_0|NODE_FAIL|None" for array in (7, 8, 9)))
    seen = Recorder()
    Slurm(poll=0.05, restarts=1).launch(tasks[:1], seen)
    assert len(fake.scripts) == 2
    assert seen.ends[1].reason == "its job ended as NODE_FAIL"


def test_one_that_cannot_be_submitted_again_says_both(fake: FakeSlurm, tasks: list[Task]) -> None:
    fake.queue("7_0|BOOT_FAIL|None", "7_1|RUNNING|None")
    fake.touch("refused1")
    seen = Recorder(enough=1)
    Slurm(poll=0.05).launch(tasks, seen)
    assert seen.states() == {1: "lost", 2: "interrupted"}
    expected = "it was pushed out, and could not be submitted again: launcher=slurm: sbatch refuses: no more"
    assert seen.ends[1].reason == expected


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("CANCELLED", "its job was cancelled"),
        ("TIMEOUT", "its job reached its time limit without heeding the signal before; see launcher.time and warning"),
        ("OUT_OF_MEMORY", "its job needed more memory than it had; set launcher.memory"),
        ("COMPLETED", "its job ended without a word"),
        ("FAILED", "its job ended as FAILED"),
        ("DEADLINE", "its job ended as DEADLINE"),
    ],
)
def test_the_end_of_a_job_in_words(fake: FakeSlurm, tasks: list[Task], state: str, reason: str) -> None:
    fake.queue(f"7_0|{state}|None")
    RunStore(tasks[0].path).begin({}, {}, {})
    (owner,) = tasks[0].path.glob("owner_*")
    owner.unlink()  # it was killed
    seen = Recorder()
    Slurm(poll=0.05).launch(tasks[:1], seen)
    assert (seen.ends[1].state, seen.ends[1].reason) == ("lost", reason)
    status = read_status(tasks[0].path)
    is_known = state in ("TIMEOUT", "OUT_OF_MEMORY")
    assert (status.state, status.reason == reason) == (("interrupted", True) if is_known else ("lost", False))


def test_a_log_that_cannot_be_written_on_the_node_is_not_where_to_look(fake: FakeSlurm, tasks: list[Task]) -> None:
    fake.queue("7_0|FAILED|None")
    stray = TaskFiles(tasks[0]).folder / "slurm" / "slurm-7_0.out"
    stray.parent.mkdir(parents=True)
    stray.write_text("x.log: Read-only file system\n")
    seen = Recorder()
    Slurm(poll=0.05).launch(tasks[:1], seen)
    assert seen.ends[1].reason == f"its job ended as FAILED; see {stray}"
    assert f"output={stray.parent}/slurm-%A_%a.out" in fake.scripts[0]


def test_a_run_that_has_a_result_is_no_loss(fake: FakeSlurm, tasks: list[Task]) -> None:
    made = make_run(Path("made"), mlp_config(), test_accuracy=0.5)
    tasks[0].path.parent.mkdir(parents=True)
    made.rename(tasks[0].path)
    seen = Recorder()
    Slurm(poll=0.05).launch(tasks, seen)
    assert seen.states() == {1: "completed", 2: "lost"}
    assert seen.ends[1].summary is not None


def test_a_run_that_a_process_has_in_hand_is_not_lost_yet(fake: FakeSlurm, tasks: list[Task]) -> None:
    tasks[0].path.mkdir(parents=True)
    orphan = Ownership(tasks[0].path)
    orphan.claim()
    seen = Recorder()
    thread = threading.Thread(target=Slurm(poll=0.02).launch, args=(tasks, seen))
    thread.start()
    until(lambda: 2 in seen.ends)
    asked = fake.asked
    until(lambda: fake.asked > asked + 5)
    assert 1 not in seen.ends
    orphan.release()
    thread.join(60)
    assert seen.states() == {1: "lost", 2: "lost"}


def test_a_watcher_that_has_seen_enough_has_the_others_cancelled(fake: FakeSlurm, tmp_path: Path) -> None:
    tasks = tasks_of([["seed=1"], ["seed=2"], ["seed=3"]], tmp_path / "results")
    fake.queue("7_0|RUNNING|None", "7_1|RUNNING|None", "7_2|PENDING|Priority")
    fake.queue(at=40)  # so that it ends, too, if nobody stops it
    fake.queue(at="after")

    def act(task: Task) -> None:
        if task.number == 2:
            end(tasks[0], "failed", "of an own part")

    seen = Acting(act, enough=1)
    Slurm(poll=0.05).launch(tasks, seen)
    assert seen.states() == {1: "failed", 2: "interrupted"}
    assert seen.ends[2].reason == "the sweep was stopped"
    assert fake.cancelled[0] == "--state=PENDING 7_1 7_2"


@pytest.mark.parametrize("picked_up", [False, True])
def test_what_ended_between_two_looks_is_told_when_the_sweep_stops(
    fake: FakeSlurm, tasks: list[Task], picked_up: bool
) -> None:
    """Be it of this call, or of one before."""
    fake.queue("7_0|RUNNING|None", "7_1|PENDING|Priority")
    if picked_up:
        Slurm().detach(tasks[1:])
        fake.queue("7_0|PENDING|Priority", "8_0|RUNNING|None")

    def act(task: Task) -> None:
        end(tasks[1])
        raise KeyboardInterrupt

    fake.queue(at="after")
    seen = Acting(lambda task: act(task) if task.number == 1 else None)
    with pytest.raises(KeyboardInterrupt):
        Slurm(poll=0.05).launch(tasks, seen)
    assert seen.states() == {1: "interrupted", 2: "completed"}


def test_a_job_that_is_completing_is_over_once_its_end_is_known(fake: FakeSlurm, tasks: list[Task]) -> None:
    Slurm().detach(tasks)
    fake.queue("7_0|COMPLETING|None", "7_1|COMPLETING|None")
    end(tasks[0], "failed", "of an own part")
    assert Slurm().detach(tasks) == "1 run is in Slurm's queue; 1 was there (`scancel 8` stops them)"
    assert [TaskFiles(task).holder()["job"] for task in tasks] == ["8_0", "7_1"]


def test_what_ended_well_meanwhile_is_told_and_not_submitted_again(fake: FakeSlurm, tasks: list[Task]) -> None:
    Slurm().detach(tasks)
    for task in tasks:
        end(task)
    seen = Recorder()
    Slurm(poll=0.05).launch(tasks, seen)
    assert seen.states() == {1: "completed", 2: "completed"}
    assert len(fake.scripts) == 1


def test_why_slurm_does_not_begin_a_job_is_said_once(
    fake: FakeSlurm, tasks: list[Task], capsys: pytest.CaptureFixture[str]
) -> None:
    held = "launch failed requeued held"
    fake.queue(f"7_0|PENDING|({held})", "7_1|PENDING|Resources")
    fake.queue(f"7_0|PENDING|({held})", "7_1|PENDING|PartitionTimeLimit", at=4)
    fake.queue("7_0|RUNNING|None", "7_1|RUNNING|None", at=6)
    with pytest.raises(KeyboardInterrupt):
        Slurm(poll=0.01).launch(tasks, Acting(interrupt))
    told = [line for line in capsys.readouterr().err.splitlines() if "does not begin" in line]
    assert told == [
        f"vgp-bench: note: Slurm does not begin 1 run: {held}; see `scontrol show job 7_0`",
        "vgp-bench: note: Slurm does not begin 1 run: PartitionTimeLimit; see `scontrol show job 7_1`",
    ]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"time": 1}, "launcher.time=1: .*; use launcher.time=2 or more or launcher.warning=29 or less"),
        ({"time": 2, "warning": 90}, ".*; use launcher.time=3 or more or launcher.warning=89 or less"),
        ({"warning": -1}, "launcher.warning=-1: must be 0 or more"),
        ({"max_parallel": 0}, "launcher.max_parallel=0: must be 1 or more"),
        ({"poll": 0.0}, "launcher.poll=0.0: must be above 0"),
    ],
)
def test_impossible_keys_are_refused(keys: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Slurm(**keys)  # type: ignore[arg-type]


@pytest.mark.parametrize("keys", [{"time": 2}, {"time": 1, "warning": 29}, {"time": 2, "warning": 89}, {}])
def test_those_at_the_edge_are_not(keys: dict[str, int]) -> None:
    Slurm(**keys)  # type: ignore[arg-type]


WORKER = """\
#!/bin/bash
[ "$3" = --wait ] || exec {python} "$@"
trap 'exit 75' USR2
touch {ready}
for n in $(seq 600); do sleep .1; done
"""


@pytest.mark.parametrize(
    ("restarts", "again", "works"), [(0, True, True), (1, True, True), (2, False, True), (1, True, False)]
)
def test_a_task_that_is_asked_to_leave_queues_itself_again_so_many_times(
    fake: FakeSlurm,
    tasks: list[Task],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    restarts: int,
    again: bool,
    works: bool,
) -> None:
    """restarts: those that Slurm has counted; launcher.restarts is 2. works: whether Slurm agrees."""
    (tmp_path / "worker").write_text(WORKER.format(python=sys.executable, ready=tmp_path / "ready"))
    (tmp_path / "worker").chmod(0o755)
    if works:  # then Slurm ends the processes of the script one by one
        (fake.folder / "sleep").write_text("#!/bin/sh\n[ $1 = 60 ] && exit 143\nexec /bin/sleep $1\n")
        (fake.folder / "sleep").chmod(0o755)
    else:
        (fake.folder / "scontrol").write_text("#!/bin/sh\nexit 1\n")
    files = TaskFiles(tasks[0])
    files.prepare()
    paths = tmp_path / "paths"
    paths.write_text(f"{files.spec}\n{files.log}\n")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "worker"))
    script = batch_script(Slurm(restarts=2), "study", 1, None, (), paths, tmp_path / "out")
    job = {"SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_JOB_ID": "7", "SLURM_RESTART_COUNT": str(restarts)}
    with subprocess.Popen(["bash", "-c", script], env={**os.environ, **job}) as process:
        until((tmp_path / "ready").exists)
        process.send_signal(signal.SIGUSR2)
        code = process.wait(60)
    asked = fake.folder / "asked_of_scontrol"
    assert (asked.read_text() if asked.exists() else "") == ("requeue 7_0\n" if again and works else "")
    outcome = files.outcome()
    if again and works:
        assert (code, outcome) == (75, None), "it goes on, and has not ended"
        return
    assert code == 75
    assert outcome
    reason = "3 times; raise launcher.restarts=2 or launcher.time"
    reason = (
        f"asked to leave by Slurm {reason}"
        if works
        else "asked to leave by Slurm, and scontrol could not queue it again"
    )
    assert (outcome.state, outcome.reason) == ("interrupted", f"{reason}; see {files.log}")
    assert outcome.path == tasks[0].path.absolute()
    assert reason in files.log.read_text()


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    stop = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < stop, "waited in vain"
        time.sleep(0.01)
