"""What becomes of jobs when the sweep is stopped, by programs that stand in for Slurm's."""

import os
import signal
from pathlib import Path

import pytest

from tests.faulty import Recorder, tasks_of
from tests.slurm_answers import Acting, end, fake_slurm, interrupt
from tests.stand_ins import FakeSlurm
from vgp_bench.errors import Stopped
from vgp_bench.launchers.launcher import Task
from vgp_bench.launchers.slurm import Slurm
from vgp_bench.launchers.task_files import TaskFiles


@pytest.fixture(autouse=True)
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    return fake_slurm(tmp_path, monkeypatch)


@pytest.fixture
def tasks(tmp_path: Path) -> list[Task]:
    return tasks_of([["seed=1"], ["seed=2"]], tmp_path / "results")


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
