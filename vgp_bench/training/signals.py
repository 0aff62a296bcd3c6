"""Signals that ask a run to stop: Ctrl-C, a scheduler that ends or preempts a job, a time limit."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from vgp_bench.errors import Stopped

STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR2") if hasattr(signal, name)]


class Signals:
    """Within `with`, the first such signal is only noted in `number`: whoever comes to a place where stopping costs
    nothing raises Stopped. A second Ctrl-C breaks off at once. Outside of the main thread, where Python allows no
    handlers, it notes nothing."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._before: dict[int, Any] = {}
        self._at_once = False

    def __enter__(self) -> "Signals":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._take) for number in STOPPING}
        return self

    def __exit__(self, *of_an_error: object) -> None:
        for number, handler in self._before.items():
            # None: set by something else than Python, which cannot set it again
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """For what may take long and has nothing to keep: here the first signal raises Stopped wherever it is."""
        self.check()
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False

    def check(self) -> None:
        """Raises Stopped if there was a signal."""
        if self.number is not None:
            raise Stopped(self.number)

    def _take(self, number: int, frame: FrameType | None) -> None:
        again, self.number = self.number is not None, self.number or number
        if self._at_once:
            raise Stopped(number)
        if again and number == signal.SIGINT:
            raise KeyboardInterrupt
