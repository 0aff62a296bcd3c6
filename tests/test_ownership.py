"""Two processes that own the same run never mix their rows."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.made_runs import ENVIRONMENT, make_run, mlp_config
from tests.owned_runs import aged, as_of, begun, content, step_row
from tests.resuming import MLP, fingerprint, performed, the_run
from vgp_bench.errors import ResultsError, Superseded
from vgp_bench.records import ownership
from vgp_bench.records.checkpoints import Position
from vgp_bench.records.ownership import LOST_AFTER
from vgp_bench.records.processes import is_alive, start_of
from vgp_bench.records.reading import read_run
from vgp_bench.records.store import RunStore
from vgp_bench.records.summary import Summary


@pytest.fixture(autouse=True)
def no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a touch may come between the ageing of a file and the look at it."""
    monkeypatch.setattr(ownership, "HEARTBEAT", 3600.0)


SUMMARY = Summary(parameters=1, epochs=0, steps=1)


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
