"""How a job ends, or is queued again by itself, by programs that stand in for Slurm's."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.faulty import Recorder, tasks_of
from tests.made_runs import make_run, mlp_config
from tests.slurm_answers import fake_slurm, until
from tests.stand_ins import FakeSlurm
from vgp_bench.launchers.launcher import Task
from vgp_bench.launchers.slurm import Slurm
from vgp_bench.launchers.slurm_script import batch_script
from vgp_bench.launchers.task_files import TaskFiles
from vgp_bench.records.ownership import Ownership
from vgp_bench.records.reading import read_status
from vgp_bench.records.store import RunStore


@pytest.fixture(autouse=True)
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    return fake_slurm(tmp_path, monkeypatch)


@pytest.fixture
def tasks(tmp_path: Path) -> list[Task]:
    return tasks_of([["seed=1"], ["seed=2"]], tmp_path / "results")


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
