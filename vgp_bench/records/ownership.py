"""Which process may write a run directory: one at a time, also on a file system that several machines share.

The owner is the highest of the files owner_000001.json, owner_000002.json ... in the directory. Each is made whole and
only if there is none of its name, so of several processes that want the next number one gets it. It then removes the
lower ones: whoever had one of them finds it gone and stops. There is no lock server and nothing to unlock.

While it lives, the owner touches its file. Whether a process of the same machine lives, the machine says; of a process
elsewhere it is believed as long as its file is touched. Whoever would take a run over compares with the clock of the
disk, by which the touches are dated: that of its own machine may be hours off.
"""

import contextlib
import json
import os
import re
import secrets
import socket
import tempfile
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from vgp_bench.errors import ResultsError, Superseded
from vgp_bench.records.files import writing
from vgp_bench.records.processes import here, is_alive, start_of

HEARTBEAT = 5.0
"""Seconds between two touches of the owner's file, by a thread: a step may take as long as it likes."""
LOST_AFTER = 60.0
"""Seconds without a touch after which a process on another machine counts as gone."""

ELSEWHERE = "another process is running it"
"""How every message begins that says so."""

_FILE = re.compile(r"owner_(\d{6,})\.json")
_held: set[str] = set()
"""Tokens of the directories that this process has in hand."""


@dataclass(frozen=True)
class Owner:
    """A process that has, or had, a run in hand. place, start: see processes; token: of this one taking."""

    token: str
    pid: int
    host: str
    place: str
    start: str
    number: int = 0

    def is_gone(self, touched: float, now: float) -> bool:
        """Whether it can no longer write. touched: time of the last touch, now: the time, both in s since 1970."""
        if self.place != here():
            return now - touched > LOST_AFTER
        if self.pid == os.getpid() and self.token not in _held:
            return True  # an earlier run of this process, whose file could not be removed
        return not is_alive(self.pid, self.start)

    def words(self) -> str:
        """Who it is."""
        return f"process {self.pid} on {self.host}" if self.host else "a process that is just beginning"


def current_owner(folder: Path) -> tuple[Owner, float] | None:
    """The owner of this run directory and the time of its last touch; None if it has none, or if the disk does not
    say."""
    try:
        return _owner(folder)
    except OSError:
        return None


class Ownership:
    """This process's hold on one run directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = ""
        self._number = 0
        self._ended = threading.Event()

    def claim(self) -> None:
        """Make this process the owner. The directory must exist.

        Raises Superseded if another living process has it, ResultsError if the disk refuses.
        """
        if self.token:
            return
        refuse_if_owned(self.folder)
        token = secrets.token_hex(8)
        me = Owner(token, os.getpid(), socket.gethostname(), here(), start_of(os.getpid()))
        with writing(self.folder):
            draft = self.folder / f".owner.{token}.tmp"
            content = json.dumps({name: value for name, value in asdict(me).items() if name != "number"})
            try:
                self._number = self._take_next_number(draft, content)
            finally:
                draft.unlink(missing_ok=True)
        self.token = token
        _held.add(token)
        self._ended.clear()
        threading.Thread(target=self._beat, daemon=True, name=f"heartbeat of {self.folder.name}").start()

    def check(self) -> None:
        """Call it before every write. Raises Superseded if another process has taken the run over."""
        if not self.token:
            return
        with contextlib.suppress(FileNotFoundError):
            if _read(_path(self.folder, self._number), self._number).token == self.token:
                return
        other = current_owner(self.folder)
        who = other[0].words() if other else "a process that has ended since"
        raise Superseded(f"{ELSEWHERE}: {self.folder}: taken over by {who}; nothing more is written")

    def release(self) -> None:
        """The run is out of this process's hands. Never raises."""
        self._ended.set()
        if self.token:
            with contextlib.suppress(ResultsError, OSError):
                self.check()
                _path(self.folder, self._number).unlink()
        _held.discard(self.token)
        self.token = ""

    def _take_next_number(self, draft: Path, content: str) -> int:
        while True:
            draft.write_text(content)  # again each time: an owner that begins clears drafts away
            now = draft.stat().st_mtime
            refuse_if_owned(self.folder, now)
            number = max(_numbers(self.folder), default=0) + 1
            mine = _path(self.folder, number)
            try:
                _make(mine, draft, content)
            except (FileExistsError, FileNotFoundError):
                continue  # another process was quicker
            try:
                numbers = _numbers(self.folder)
                # Since it was asked whether there is an owner, one may have come, with a lower number.
                if numbers and numbers[-1] == number and not any(_lives(self.folder, n, now) for n in numbers[:-1]):
                    for lower in numbers[:-1]:
                        _path(self.folder, lower).unlink(missing_ok=True)
                    return number
            except OSError:
                mine.unlink(missing_ok=True)  # or it would look like the file of a living owner
                raise
            mine.unlink(missing_ok=True)  # what was seen as free has been left behind, taken or removed meanwhile

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT):
            try:
                os.utime(_path(self.folder, self._number))
            except FileNotFoundError:
                return  # taken over: the next write will find out
            except OSError:
                pass  # a disk that is full or away for a while


def refuse_if_owned(folder: Path, now: float | None = None) -> None:
    """Raises Superseded if a living process has this run directory in hand, ResultsError if the disk refuses.

    now: the present time by the clock of the disk, in s since 1970; None: it is asked for it.
    """
    with writing(folder):
        found = _owner(folder)
        if found and not found[0].is_gone(found[1], _time_of_disk(folder) if now is None else now):
            raise Superseded(f"{ELSEWHERE}: {folder}; wait for it, or stop it")


def _time_of_disk(folder: Path) -> float:
    """The present time by the clock that dates the files here, in s since 1970: on a shared disk that of its server."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"?")
        file.flush()
        return os.fstat(file.fileno()).st_mtime


def _owner(folder: Path) -> tuple[Owner, float] | None:
    while numbers := _numbers(folder):
        path = _path(folder, numbers[-1])
        with contextlib.suppress(FileNotFoundError):  # it has just ended: look again
            return _read(path, numbers[-1]), path.stat().st_mtime
    return None


def _lives(folder: Path, number: int, now: float) -> bool:
    """Whether the owner of this number is there and can still write."""
    path = _path(folder, number)
    try:
        return not _read(path, number).is_gone(path.stat().st_mtime, now)
    except FileNotFoundError:
        return False


def _make(path: Path, draft: Path, content: str) -> None:
    """Puts the content at `path`, whole. Raises FileExistsError if there is such a file, FileNotFoundError if the draft
    is gone."""
    try:
        os.link(draft, path)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:  # a file system without links
        with path.open("x") as file:
            file.write(content)


def _read(path: Path, number: int) -> Owner:
    try:
        return Owner(**json.loads(path.read_bytes()), number=number)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, TypeError):  # not for us to read; or half made, where there are no links
        return Owner("", 0, "", "", "", number)


def _numbers(folder: Path) -> list[int]:
    """The numbers of the files, ascending; none if there is no such folder. Raises OSError if the disk does not say."""
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(int(match[1]) for name in names if (match := _FILE.fullmatch(name)))


def _path(folder: Path, number: int) -> Path:
    return folder / f"owner_{number:06}.json"
