"""When a run's rows and state go to the disk: first the tables, then the checkpoint that counts their rows."""

import time

from vgp_bench.errors import Stopped
from vgp_bench.records.checkpoints import Position
from vgp_bench.records.pace import FLUSH_SHARE, Pace
from vgp_bench.records.store import RunStore
from vgp_bench.training.checkpoint import state_of
from vgp_bench.training.loop import Loop
from vgp_bench.training.peak_memory import PeakMemory
from vgp_bench.training.signals import Signals


class RunKeeper:
    """The keeper of a run's loop. Raises Stopped, everything kept, after a signal."""

    def __init__(
        self,
        loop: Loop,
        store: RunStore,
        memory: PeakMemory,
        signals: Signals,
        pace: Pace,
        start: Position | None = None,
    ) -> None:
        self._loop = loop
        self._store = store
        self._memory = memory
        self._signals = signals
        self._pace = pace
        self._earlier_peak = start.peak_memory_bytes if start else 0.0
        self._next = time.monotonic() + pace.seconds

    def peak_memory(self) -> float:
        """Bytes, in this process or an earlier one of the run."""
        return max(self._earlier_peak, self._memory.read())

    def is_due(self, done: int) -> bool:
        by_steps = self._pace.steps is not None and done % self._pace.steps == 0
        return self._signals.number is not None or by_steps or time.monotonic() >= self._next

    def keep(self) -> None:
        started = time.monotonic()
        self._store.flush()
        position = Position(self._loop.done, self._store.counts(), self.peak_memory())
        self._store.checkpoints.save(position, state_of(self._loop))
        ended = time.monotonic()
        self._next = ended + max(self._pace.seconds, FLUSH_SHARE * (ended - started))
        if self._signals.number is not None:
            raise Stopped(self._signals.number)

    def between_batches(self) -> None:
        if self._signals.number is not None:
            self.keep()
