"""One sweep over processes of this machine: a task for each free slot, its end, and what others have in hand."""

import os
import signal
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vgp_bench.errors import ResultsError
from vgp_bench.launchers.launcher import STOPPED, Task, Watcher
from vgp_bench.launchers.local_elsewhere import Elsewhere
from vgp_bench.launchers.processes import Worker, identity
from vgp_bench.launchers.slots import Slot
from vgp_bench.launchers.task_files import TaskFiles
from vgp_bench.outcome import Outcome
from vgp_bench.worker import ELSEWHERE, INTERRUPTED, UNWRITTEN

LOOK = 0.02
"""Seconds between two looks at the workers."""


@dataclass
class _Attempt:
    """A task that runs: its worker, the slot it takes, when it began, and when it was asked to stop if it was."""

    files: TaskFiles
    worker: Worker
    slot: Slot
    began: float
    asked: float | None = None


class LocalSweep:
    """One call of launch. time_limit: minutes for each attempt; grace: seconds between asking and killing; restarts:
    times a run is begun again."""

    def __init__(
        self, free: Iterable[Slot], time_limit: float | None, grace: float, restarts: int, watcher: Watcher
    ) -> None:
        self.time_limit, self.grace, self.restarts, self.watcher = time_limit, grace, restarts, watcher
        self.free = deque(free)
        self.me = {"engine": "local", **identity(os.getpid())}
        self.waiting: deque[TaskFiles] = deque()
        self.running: list[_Attempt] = []
        self.elsewhere = Elsewhere(self.me)
        self.begun: dict[TaskFiles, int] = {}
        self.told: set[TaskFiles] = set()
        self.goes_on = True

    def run(self, tasks: Sequence[Task]) -> None:
        """Until all have ended, or the watcher has seen enough."""
        try:
            for files in map(TaskFiles, tasks):
                if self.elsewhere.has(files):
                    self._watch(files)
                elif self.goes_on:
                    self._hold(files)
            while self.goes_on and (self.waiting or self.running or self.elsewhere.watched):
                while self.waiting and self.free and self.goes_on:
                    self._begin(self.waiting.popleft())
                for attempt in list(self.running):
                    self._look(attempt)
                self._look_elsewhere()
                time.sleep(LOOK)
        finally:
            self._stop()
            for files in self.waiting:
                files.release()

    def _hold(self, files: TaskFiles) -> None:
        """It is to be begun here."""
        self.waiting.append(files)
        try:
            files.prepare()
            files.hold(self.me)
        except ResultsError as error:  # a full disk: the others may lie elsewhere
            self.waiting.remove(files)
            self._ended(files, Outcome(files.task.composed.label, "failed", files.task.path, str(error)))

    def _watch(self, files: TaskFiles) -> None:
        """Somebody else runs it."""
        self._started(files)
        self.elsewhere.watch(files)

    def _begin(self, files: TaskFiles) -> None:
        if files.is_in_hand():  # which a worker would find out too, some seconds later
            self._watch(files)
            return
        self._started(files)
        self.begun[files] = self.begun.get(files, 0) + 1
        slot = self.free.popleft()
        try:
            worker = Worker(files.spec, files.log, slot)
        except OSError as error:  # no room for its log, no process left
            self.free.append(slot)
            self._ended(files, files.settle("failed", f"its process could not be started: {error}"))
            return
        self.running.append(_Attempt(files, worker, slot, time.monotonic()))

    def _look(self, attempt: _Attempt) -> None:
        code = attempt.worker.exit_code()
        if code is None:
            self._look_at_clock(attempt)
            return
        self._take_off(attempt)
        files, outcome = attempt.files, attempt.files.outcome()
        if outcome is None and code == ELSEWHERE:
            self.begun[files] -= 1  # nothing was begun
            self._watch(files)
            return
        if outcome is None and attempt.asked is not None:
            outcome = self._out_of_time(files, stopped=code == INTERRUPTED)
        elif outcome is None and (code == INTERRUPTED or code < 0) and self.begun[files] <= self.restarts:
            self.waiting.append(files)  # behind the others: whoever needs too much memory needs it again
            return
        if outcome is None:
            outcome = files.settle("interrupted" if code == INTERRUPTED else "lost", self._why(files, code))
        self._ended(files, outcome)

    def _look_at_clock(self, attempt: _Attempt) -> None:
        """Asks one that has run too long to stop, and ends it if it does not."""
        now = time.monotonic()
        if attempt.asked is None:
            if self.time_limit is not None and now - attempt.began > 60 * self.time_limit:
                attempt.asked = now
                attempt.worker.ask()
        elif now - attempt.asked > self.grace and not attempt.worker.kill():
            self._take_off(attempt)
            self._ended(attempt.files, self._out_of_time(attempt.files, stuck=attempt.worker.pid))

    def _out_of_time(self, files: TaskFiles, stopped: bool = False, stuck: int | None = None) -> Outcome:
        reason = f"it ran longer than launcher.time_limit={self.time_limit:g} minutes"
        if stuck:
            reason += f"; process {stuck} cannot be killed: does the disk that it waits for answer?"
        elif not stopped:
            reason += " and was killed"
        files.explain(reason)
        return files.settle("interrupted" if stopped else "lost", reason)

    def _take_off(self, attempt: _Attempt) -> None:
        self.running.remove(attempt)
        self.free.append(attempt.slot)

    def _why(self, files: TaskFiles, code: int) -> str:
        times = f" ({self.begun[files]} times)" if self.begun[files] > 1 else ""
        if code == INTERRUPTED:
            return f"it was asked to stop{times}"
        if code == UNWRITTEN:
            return "its process could not write how the run ended: disk full?"
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return f"its process {how}{times}"

    def _look_elsewhere(self) -> None:
        for files, outcome in self.elsewhere.look():
            if outcome is not None:
                self._ended(files, outcome)
            else:  # who had it in hand is gone
                self._hold(files)

    def _started(self, files: TaskFiles) -> None:
        if files not in self.told:
            self.told.add(files)
            self.watcher.started(files.task)

    def _ended(self, files: TaskFiles, outcome: Outcome) -> None:
        self._started(files)
        if self.elsewhere.is_left(files):
            files.release()
        self.goes_on = self.watcher.ended(files.task, outcome) and self.goes_on

    def _stop(self) -> None:
        """Ends what still runs here; each keeps what it has. A second Ctrl-C does not wait for that."""
        try:
            for attempt in self.running:
                attempt.worker.ask()
            until = time.monotonic() + self.grace
            while any(a.worker.exit_code() is None for a in self.running) and time.monotonic() < until:
                time.sleep(LOOK)
        finally:
            for attempt in self.running:
                attempt.worker.kill()
                self._ended(attempt.files, attempt.files.outcome() or attempt.files.settle("interrupted", STOPPED))
            self.running = []
            for files, outcome in self.elsewhere.ended():
                self._ended(files, outcome)
