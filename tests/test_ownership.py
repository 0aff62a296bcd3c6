"""Two processes that own the same run never mix their rows."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.made_runs import ENVIRONMENT, make_run, mlp_config
from tests.resuming import MLP, fingerprint, performed, the_run
from vgp_bench.errors import ResultsError, Superseded
from vgp_bench.records import ownership
from vgp_bench.records.checkpoints import Position
from vgp_bench.records.ownership import LOST_AFTER, Owner, Ownership, current_owner
from vgp_bench.records.processes import here, is_alive, start_of
from vgp_bench.records.reading import read_run
from vgp_bench.records.rows import StepRow
from vgp_bench.records.store import RunStore
from vgp_bench.records.summary import Summary

SUMMARY = Summary(parameters=1, epochs=0, steps=1)


@pytest.fixture(autouse=True)
def no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a touch may come between the ageing of a file and the look at it."""
    monkeypatch.setattr(ownership, "HEARTBEAT", 3600.0)


def step_row(step: int) -> StepRow:
    return StepRow(step, 0, 0.1, 1.0, 0.5, 0.0, 0.0)


def begun(path: Path) -> RunStore:
    store = RunStore(path)
    store.begin(mlp_config(), {}, ENVIRONMENT)
    return store


def as_of(path: Path, **changes: Any) -> Path:
    """The owner's file, changed to be another's."""
    (file,) = path.glob("owner_*.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    return file


def aged(file: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(file, (then, then))


def content(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


def test_one_process_at_a_time(tmp_path: Path) -> None:
    store = begun(tmp_path / "run")
    with pytest.raises(Superseded, match=f"^another process is running it: {store.path}; wait for it, or stop it$"):
        RunStore(store.path).claim()
    store.finish("interrupted")
    other = begun(store.path)
    assert read_run(store.path).state == "running"
    other.release()
    assert not list(store.path.glob("*owner*"))


def test_whoever_was_taken_over_writes_nothing_more(tmp_path: Path) -> None:
    old = begun(tmp_path / "run")
    old.append(step_row(0))
    old.flush()
    aged(as_of(old.path, place="elsewhere", host="elsewhere"), LOST_AFTER + 1)  # as another machine would see it
    new = RunStore(old.path)
    new.begin(mlp_config(), {}, ENVIRONMENT)
    for step in range(3):
        new.append(step_row(step + 100))
    new.flush()
    before = content(old.path)
    old.append(step_row(1))
    reason = f"another process is running it: {old.path}: taken over by process {os.getpid()} on "
    for write in (
        old.flush,
        lambda: old.finish("completed", SUMMARY),
        lambda: old.checkpoints.save(Position(1, {}), b""),
        lambda: old.begin(mlp_config(), {}, ENVIRONMENT),
        lambda: old._set_status(old._status),
        lambda: old._write_json("summary.json", {}),
    ):
        with pytest.raises(Superseded, match=reason):
            write()
    old.release()
    assert content(old.path) == before
    new.finish("completed", SUMMARY)
    assert read_run(new.path).rows("steps")["step"].tolist() == [100, 101, 102]


def test_one_that_was_taken_over_by_a_run_that_has_ended_since(tmp_path: Path) -> None:
    old = begun(tmp_path / "run")
    aged(as_of(old.path, place="elsewhere"), LOST_AFTER + 1)
    begun(old.path).finish("completed", SUMMARY)
    with pytest.raises(Superseded, match="taken over by a process that has ended since"):
        old.finish("failed")
    assert read_run(old.path).state == "completed"


@pytest.mark.parametrize(
    ("changes", "age", "lost"),
    [
        ({}, 1e6, False),  # a process of this machine is asked for itself: a step may take days
        ({"start": "1"}, 0.0, True),  # its number was given to another process
        ({"pid": 4194999}, 0.0, True),  # above the largest of Linux
        ({"place": "elsewhere", "host": "elsewhere"}, LOST_AFTER - 5, False),
        ({"place": "elsewhere", "host": "elsewhere"}, LOST_AFTER + 5, True),
        ({"place": "another container here", "pid": 4194999}, 1.0, False),
        ({"token": "of an earlier run of this process, not released"}, 0.0, True),
    ],
)
def test_who_counts_as_gone(tmp_path: Path, changes: dict[str, Any], age: float, lost: bool) -> None:
    store = begun(tmp_path / "run")
    aged(as_of(store.path, **changes), age)
    run = read_run(store.path)
    assert run.state == ("lost" if lost else "running")
    if lost:
        words = "no sign of process " if "place" in changes else "ended without saying why"
        assert words in run.reason
        RunStore(store.path).claim()
    else:
        with pytest.raises(Superseded):
            RunStore(store.path).claim()


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_clock_of_the_disk_says_who_is_gone_not_that_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: float
) -> None:
    store = begun(tmp_path / "run")
    file = as_of(store.path, place="elsewhere", host="elsewhere")
    genuine = time.time
    aged(file, LOST_AFTER - 20)
    monkeypatch.setattr(time, "time", lambda: genuine() + 3600 * hours)
    for look in (RunStore(store.path).refuse_if_owned, RunStore(store.path).claim):
        with pytest.raises(Superseded):
            look()
    monkeypatch.setattr(time, "time", genuine)
    aged(file, LOST_AFTER + 5)
    monkeypatch.setattr(time, "time", lambda: genuine() + 3600 * hours)
    RunStore(store.path).refuse_if_owned()
    RunStore(store.path).claim()
    assert not list(store.path.glob("*.tmp"))


def test_a_record_without_its_owners_file_is_lost(tmp_path: Path) -> None:
    store = begun(tmp_path / "run")
    store.release()  # as after a disk that took no last state
    assert read_run(store.path).state == "lost"


def test_the_owner_is_touched_while_it_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "HEARTBEAT", 0.02)
    store = begun(tmp_path / "touched")
    (file,) = store.path.glob("owner_*.json")
    aged(file, 1000)
    deadline = time.monotonic() + 10
    while time.time() - file.stat().st_mtime > 900:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    store.release()
    while mine := [t for t in threading.enumerate() if t.name == "heartbeat of touched"]:
        mine[0].join(timeout=10)
        assert not mine[0].is_alive()


def test_a_process_that_has_ended_but_was_not_waited_for_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        start = start_of(process.pid)
        while is_alive(process.pid, start):
            time.sleep(0.01)
        assert process.returncode is None
    assert is_alive(os.getpid(), start_of(os.getpid()))
    assert not is_alive(os.getpid(), "1")


CONTENDER = """
import sys, time
from pathlib import Path
from vgp_bench.errors import ResultsError
from vgp_bench.records.ownership import Ownership
folder = Path(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
mine = Ownership(folder)
try:
    mine.claim()
except ResultsError as error:
    print(error)
else:
    print("mine", flush=True)
    sys.stdin.readline()
    mine.check()
    print("still", flush=True)
"""


@pytest.mark.parametrize("left", [False, True], ids=["nobody's", "a dead one's"])
def test_of_many_that_want_it_at_once_one_gets_it(tmp_path: Path, left: bool) -> None:
    if left:
        Ownership(tmp_path).claim()
        as_of(tmp_path, start="1")
    command = [sys.executable, "-c", CONTENDER, str(tmp_path)]
    pipe = subprocess.PIPE
    contenders = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(8)]
    for process in contenders:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in contenders:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    heard = [process.stdout.readline() for process in contenders if process.stdout]
    assert heard.count("mine\n") == 1, heard
    assert sum(line.startswith("another process is running it: ") for line in heard) == 7
    ended = [process.communicate("\n", timeout=30)[0] for process in contenders]
    assert ended.count("still\n") == 1
    assert len(list(tmp_path.glob("*owner*"))) == 1, "no drafts are left"


def test_an_owner_that_came_since_the_look_for_one_is_not_pushed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Between the question whether somebody has it and the look at the highest number another process took it.
    first, second = Ownership(tmp_path), Ownership(tmp_path)
    genuine = ownership.refuse_if_owned
    asked: list[Path] = []

    def late(folder: Path, now: float | None = None) -> None:
        genuine(folder, now)
        asked.append(folder)
        if len(asked) == 2:  # claim() asks once before it begins
            first.claim()

    monkeypatch.setattr(ownership, "refuse_if_owned", late)
    with pytest.raises(Superseded, match="another process is running it"):
        second.claim()
    first.check()
    first.release()


def test_a_number_seen_as_free_that_was_left_behind_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Between the look at the highest number and the making of the next one others came and went.
    Ownership(tmp_path).claim()
    file = as_of(tmp_path, start="1")
    genuine = ownership._make
    calls: list[Path] = []

    def late(path: Path, *more: Any) -> None:
        calls.append(path)
        if len(calls) == 1:
            file.rename(tmp_path / "owner_000007.json")
        genuine(path, *more)

    monkeypatch.setattr(ownership, "_make", late)
    mine = Ownership(tmp_path)
    mine.claim()
    assert [path.name for path in calls] == ["owner_000002.json", "owner_000008.json"]
    mine.check()
    assert [path.name for path in tmp_path.glob("owner*")] == ["owner_000008.json"]


def test_an_owners_file_that_is_removed_at_once_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = ownership._make
    calls: list[Path] = []

    def vanish(path: Path, *more: Any) -> None:
        genuine(path, *more)
        calls.append(path)
        if len(calls) == 1:
            path.unlink()

    monkeypatch.setattr(ownership, "_make", vanish)
    mine = Ownership(tmp_path)
    mine.claim()
    mine.check()
    assert len(calls) == 2


@pytest.mark.parametrize("number", range(1, 5))
def test_a_folder_that_cannot_be_listed_for_a_moment_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    genuine, calls = os.listdir, 0

    def listdir(folder: Path) -> list[str]:
        nonlocal calls
        calls += 1
        if calls == number:
            raise OSError(5, "Input/output error")
        return genuine(folder)

    monkeypatch.setattr(os, "listdir", listdir)
    mine = Ownership(tmp_path)
    with pytest.raises(ResultsError, match=f"^Input/output error: cannot write {tmp_path}; check results_dir$") as told:
        mine.claim()
    assert not isinstance(told.value, Superseded)
    assert calls == number
    assert not list(tmp_path.iterdir())
    mine.claim()
    mine.check()


def test_a_disk_without_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*of: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    one, two = Ownership(tmp_path), Ownership(tmp_path)
    one.claim()
    with pytest.raises(Superseded):
        two.claim()
    one.check()
    found = current_owner(tmp_path)
    assert found
    assert isinstance(found[0], Owner)
    assert found[0].place == here()


def test_a_mixed_record_is_found_out(tmp_path: Path) -> None:
    one = make_run(tmp_path / "a", mlp_config(), steps=[step_row(0)], parameters=1)
    two = make_run(tmp_path / "b", mlp_config(), steps=[step_row(0)], parameters=1)
    assert len(read_run(one).rows("steps")) == 1
    (one / "steps.parquet").write_bytes((two / "steps.parquet").read_bytes())
    with pytest.raises(ResultsError, match=r"damaged: .*steps\.parquet is not by the process that ended the run"):
        read_run(one).rows("steps")


def test_a_run_that_is_taken_over_stops_and_says_by_whom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    performed(*MLP, results="twin")
    from tests.composing import compose
    from vgp_bench.run import perform

    def announce(total: int) -> Any:
        done = 0

        def count(steps: int, loss: float) -> None:
            nonlocal done
            done += steps
            if done == 6:  # this process seems lost from elsewhere; there it is gone on with, to the end
                aged(as_of(the_run(), place="elsewhere"), LOST_AFTER + 1)
                other = performed(*MLP)
                assert other
                assert other.state == "completed"

        return count

    outcome = perform(compose(*MLP, "checkpoint_steps=1"), [], announce)
    assert outcome.state == "refused"
    assert outcome.reason.startswith(f"another process is running it: {the_run()}: taken over by ")
    assert read_run(the_run()).environment["resumed"][0]["step"] == 5
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))


def test_a_run_that_was_finished_while_this_process_was_building_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    from vgp_bench import run as run_module

    genuine = run_module.build

    def build(*of: Any) -> Any:
        monkeypatch.setattr(run_module, "build", genuine)
        performed(*MLP)
        return genuine(*of)

    monkeypatch.setattr(run_module, "build", build)
    outcome = performed(*MLP)
    assert outcome
    assert (outcome.state, outcome.reason) == ("kept", "completed")
    assert not list(the_run().glob("owner*"))


def test_a_killed_process_is_taken_over_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CONTENDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "mine\n"
        with pytest.raises(Superseded):
            Ownership(tmp_path).claim()
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(Superseded):
            Ownership(tmp_path).claim()
        process.kill()
        process.wait()
        Ownership(tmp_path).claim()
