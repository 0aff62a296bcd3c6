"""All trackers of one run: rows in, batches out, and none of them can harm the run."""

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tqdm import tqdm

from vgp_bench.errors import ResultsError
from vgp_bench.records.pace import FLUSH_SHARE
from vgp_bench.records.store import RunStore
from vgp_bench.trackers.metrics import Naming
from vgp_bench.trackers.tracker import TrackedRun, Tracker

FLUSH_INTERVAL = 10.0
"""Least seconds between two flushes."""


class Mirror:
    """Trackers by name. One that raises is dropped with a line on stderr; the run and the others go on."""

    def __init__(self, trackers: Mapping[str, Tracker]) -> None:
        self._trackers = {name: (tracker, Naming(tracker.layers_every)) for name, tracker in trackers.items()}
        self._rows: list[tuple[float, Any]] = []
        self._last_flush = time.monotonic()
        self._last_duration = 0.0

    def open(self, run: TrackedRun) -> None:
        """The record of the run has begun."""
        self._tell_each(lambda tracker, naming: tracker.open(run))
        self._last_flush = time.monotonic()

    def replay(self, rows: Iterable[Any]) -> None:
        """Rows from before the run was resumed. Trackers hear of each resumption as of a new run (see their open), so
        they get these again, at once, with the present time instead of theirs: every copy is whole, no row is in it
        twice."""
        if self._trackers:
            self._rows += [(time.time(), row) for row in rows]
            self._flush()

    def append(self, row: Any) -> None:
        """Keeps a row for the next flush. Cheap, as the sink of a training has to be."""
        if self._trackers:
            self._rows.append((time.time(), row))

    def flush_if_due(self) -> None:
        """Flushes as seldom as the record is flushed, so that this too takes at most 5 % of a run. Call it between
        steps: trackers get complete ones, in order."""
        waited = time.monotonic() - self._last_flush
        if self._rows and waited >= max(FLUSH_INTERVAL, FLUSH_SHARE * self._last_duration):
            self._flush()

    def close(self, store: RunStore) -> None:
        """The run ended as its record on disk says."""
        self._flush()
        try:
            status, summary = store.status(), store.summary()
        except ResultsError as error:  # the disk is gone, and with it the record
            reason = str(error)
            self._tell_each(lambda tracker, naming: tracker.close("failed", reason, None))
            return
        # A full disk may have kept the last state from being written.
        state = "failed" if status.state == "running" else status.state
        self._tell_each(lambda tracker, naming: tracker.close(state, status.reason, summary))

    def _flush(self) -> None:
        started = time.monotonic()
        rows, self._rows = self._rows, []
        if rows:
            self._tell_each(lambda tracker, naming: tracker.log(naming.metrics(rows)))
        self._last_flush = time.monotonic()
        self._last_duration = self._last_flush - started

    def _tell_each(self, tell: Callable[[Tracker, Naming], None]) -> None:
        for name, (tracker, naming) in list(self._trackers.items()):
            try:
                tell(tracker, naming)
            except (Exception, SystemExit) as error:  # other people's code, servers and disks: anything can come
                del self._trackers[name]
                words = " ".join(str(error).split())[:300]
                line = f"vgp-bench: tracker={name} is left out from here on, the run is not: {type(error).__name__}"
                tqdm.write(f"{line}: {words}" if words else line, file=sys.stderr)  # above the bar, if there is one
