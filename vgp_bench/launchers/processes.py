"""Processes of this machine: which still lives, and how one of workers is begun, asked to stop and ended."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from vgp_bench.records.processes import here, is_alive, start_of


class Worker:
    """A worker in a process group of its own: Ctrl-C at the terminal reaches only the launcher, which then decides."""

    def __init__(self, spec: Path, log: Path, environment: Mapping[str, str]) -> None:
        """Raises OSError if it cannot be started."""
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "vgp_bench.worker", str(spec)],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        self._code: int | None = None

    def exit_code(self) -> int | None:
        """None while it runs; minus the number of the signal that killed it."""
        if self._code is None:
            self._code = self._process.poll()
            if self._code is not None:
                self._end_group()  # processes it began itself must not outlive it
        return self._code

    def ask(self) -> None:
        """Asks it to keep what it has and to leave."""
        self._process.terminate()

    def kill(self) -> None:
        """Ends it at once, with all it began."""
        if self._code is None:
            self._end_group()
            self._process.wait()

    def _end_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


def identity(pid: int) -> dict[str, Any]:
    """What names a process among all that were and will be: numbers are used again."""
    return {"place": here(), "pid": pid, "start": start_of(pid)}


def lives(process: Mapping[str, Any]) -> bool:
    """Whether a process of this machine, given by its identity, is still there."""
    return process.get("place") == here() and is_alive(int(process["pid"]), str(process["start"]))


@contextlib.contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """SIGTERM and SIGHUP, which would leave workers behind, are taken as Ctrl-C meanwhile. In the main thread only."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    wanted = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
