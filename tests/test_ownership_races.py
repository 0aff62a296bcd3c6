"""Of processes that want the same run at the same instant one gets it, whatever the disk does meanwhile."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.owned_runs import as_of
from vgp_bench.errors import ResultsError, Superseded
from vgp_bench.records import ownership
from vgp_bench.records.ownership import Owner, Ownership, current_owner
from vgp_bench.records.processes import here

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


@pytest.fixture(autouse=True)
def no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a touch may come between the ageing of a file and the look at it."""
    monkeypatch.setattr(ownership, "HEARTBEAT", 3600.0)


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
