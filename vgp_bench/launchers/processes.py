"""Processes of this machine: which still lives, and how one of workers is begun, asked to stop and ended."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from vgp_bench.errors import Stopped
from vgp_bench.records.processes import here, is_alive, start_of

DYING = 10.0
"""Seconds that a killed process may take to be gone. One that waits for a disk that does not answer takes longer."""


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
        self.pid = self._process.pid
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

    def kill(self) -> bool:
        """Ends it at once, with all it began. Whether it is gone: it is not if the system cannot end it either."""
        if self._code is None:
            self._end_group()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._code = self._process.wait(DYING)
        return self._code is not None

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
    """SIGTERM and SIGHUP, which would leave workers behind, raise Stopped meanwhile, a KeyboardInterrupt as Ctrl-C
    raises it. In the main thread only."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        raise Stopped(number)

    with _handled((signal.SIGTERM, signal.SIGHUP), interrupt):
        yield


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP come into effect only at the end: for what must not be left half done. In the main
    thread only."""
    came: list[int] = []
    try:
        with _handled((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), lambda number, frame: came.append(number)):
            yield
    finally:
        if came:
            signal.raise_signal(came[0])


@contextlib.contextmanager
def _handled(numbers: Iterable[signal.Signals], handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Within, these signals go to the handler, but for those that are ignored, as below nohup."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    wanted = [number for number in numbers if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    before = {number: signal.signal(number, handler) for number in wanted}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
