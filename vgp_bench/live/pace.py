"""Which steps of a foreign loop are measured: the first ones, then every so many, as long as that costs little."""

import time
from collections import deque
from collections.abc import Callable
from statistics import median

from vgp_bench.errors import ConfigError


class Pace:
    """due() before each step, ended() after it.

    dense_steps: the first steps, all of them due; every: one in so many afterwards (None: none). overhead: share of the
    loop's time that measuring may take: while it has taken more, a step that would be due is put off until it has not.
    None: nothing is put off. What a measured step costs is the time of the median one beyond that of the quickest
    recent one without: the very first also finds the stages, once.
    """

    def __init__(
        self,
        dense_steps: int,
        every: int | None,
        overhead: float | None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        if dense_steps < 0:
            raise ConfigError(f"Monitor(dense_steps={dense_steps}): must be at least 0")
        if every is not None and every < 1:
            raise ConfigError(f"Monitor(every={every}): must be at least 1, or None to measure only the first steps")
        if overhead is not None and not overhead > 0:
            raise ConfigError(f"Monitor(overhead={overhead}): must be above 0, or None for no bound")
        self.dense_steps, self.every, self.overhead, self._clock = dense_steps, every, overhead, clock
        self._put_off = False
        self._last: float | None = None
        self._plain: deque[float] = deque(maxlen=20)  # seconds of recent steps that were not measured
        self._elapsed = 0.0
        self._measured: list[float] = []  # seconds of the steps that were

    def begin(self) -> None:
        """The loop begins, or goes on."""
        self._last = self._clock()

    def due(self, step: int) -> bool:
        """Whether this step is to be measured."""
        if step < self.dense_steps:
            return True
        self._put_off = self._put_off or (self.every is not None and step % self.every == 0)
        if not self._put_off or (self.overhead is not None and self._spent() > self.overhead * self._elapsed):
            return False
        self._put_off = False
        return True

    def ended(self, measured: bool) -> None:
        """A step is over."""
        now = self._clock()
        seconds = 0.0 if self._last is None else now - self._last
        self._last = now
        self._elapsed += seconds
        if measured:
            self._measured.append(seconds)
        else:
            self._plain.append(seconds)

    def _spent(self) -> float:
        """Seconds that measuring has cost; before any step went without it, nobody knows: none."""
        if not self._plain or not self._measured:
            return 0.0
        return max(0.0, len(self._measured) * (median(self._measured) - min(self._plain)))
