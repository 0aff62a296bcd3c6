"""What the launcher submits, and makes of a queue that Slurm shows, or does not show, by stand-ins for its programs."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faulty import Recorder, tasks_of
from tests.slurm_answers import Acting, end, fake_slurm, interrupt, until
from tests.stand_ins import FakeSlurm
from vgp_bench.errors import ConfigError, ResultsError
from vgp_bench.launchers import slurm_arrays, slurm_sweep
from vgp_bench.launchers.launcher import Task
from vgp_bench.launchers.slurm import Slurm
from vgp_bench.launchers.task_files import TaskFiles


@pytest.fixture(autouse=True)
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    return fake_slurm(tmp_path, monkeypatch)


@pytest.fixture
def tasks(tmp_path: Path) -> list[Task]:
    return tasks_of([["seed=1"], ["seed=2"]], tmp_path / "results")


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
