"""Which steps of a foreign loop are measured: the first ones, then every so many, as long as that costs little."""

import time
from collections import deque
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

from vgp_bench.errors import ConfigError


class PutOff(NamedTuple):
    """planned: looks after the first ones; missed: how many of them were not at their step; later: looks in place of
    these, which may stand for several; times: a measured step takes so many times as long as a plain one."""

    planned: int
    missed: int
    later: int
    times: float


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
        if not isinstance(dense_steps, int) or dense_steps < 0:
            raise ConfigError(f"Monitor(dense_steps={dense_steps!r}): must be a whole number, at least 0")
        if every is not None and (not isinstance(every, int) or every < 1):
            only = "or None to measure only the first steps"
            raise ConfigError(f"Monitor(every={every!r}): must be a whole number, at least 1, {only}")
        if overhead is not None and not (isinstance(overhead, int | float) and overhead > 0):
            raise ConfigError(f"Monitor(overhead={overhead!r}): must be a number above 0, or None for no bound")
        self.dense_steps, self.every, self.overhead, self._clock = dense_steps, every, overhead, clock
        self._put_off = False
        self._planned: set[int] = set()  # steps after the first ones, at their cadence
        self._taken: set[int] = set()  # those that were measured in their place
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
        if self.every is not None and step % self.every == 0:
            self._put_off = True
            self._planned.add(step)
        if not self._put_off or (self.overhead is not None and self._spent() > self.overhead * self._elapsed):
            return False
        self._put_off = False
        self._taken.add(step)
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

    def put_off(self, steps: int) -> PutOff | None:
        """What was not measured when it should have been in a loop of so many steps; None if nothing was put off."""
        planned = {step for step in self._planned if step < steps}
        taken = {step for step in self._taken if step < steps}
        if planned <= taken:
            return None
        # A step is put off only for what measuring has cost: both times are known then.
        times = median(self._measured) / min(self._plain)
        return PutOff(len(planned), len(planned - taken), len(taken - planned), times)

    def _spent(self) -> float:
        """Seconds that measuring has cost; before any step went without it, nobody knows: none."""
        if not self._plain or not self._measured:
            return 0.0
        return max(0.0, len(self._measured) * (median(self._measured) - min(self._plain)))
