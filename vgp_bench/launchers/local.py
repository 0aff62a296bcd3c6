"""Each run in a process of this machine. Plain subprocesses: what a run says of itself is in files, so that nothing has
to be pickled or passed through pipes, and a worker that dies takes nothing with it."""

import os
import signal
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from vgp_bench.errors import ResultsError
from vgp_bench.launchers.checks import check_least, check_positive
from vgp_bench.launchers.detaching import detach
from vgp_bench.launchers.launcher import STOPPED, Task, Watcher
from vgp_bench.launchers.processes import Worker, ended_like_ctrl_c, identity, lives
from vgp_bench.launchers.slots import Slot, slots
from vgp_bench.launchers.task_files import TaskFiles
from vgp_bench.outcome import Outcome
from vgp_bench.worker import INTERRUPTED, UNWRITTEN

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


@dataclass(frozen=True)
class Local:
    """threads: CPU threads of a run; time_limit: minutes; grace: seconds between asking and killing. See the yaml."""

    threads: int | None = None
    runs_per_gpu: int = 1
    time_limit: float | None = None
    grace: float = 30.0
    restarts: int = 2

    def __post_init__(self) -> None:
        check_least(1, threads=self.threads, runs_per_gpu=self.runs_per_gpu)
        check_least(0, grace=self.grace, restarts=self.restarts)
        check_positive(time_limit=self.time_limit)

    def device_of(self, name: str) -> str:
        """See Launcher."""
        from vgp_bench.building import resolve_device  # torch: only where runs are planned

        return resolve_device(name)

    def launch(self, tasks: Sequence[Task], watcher: Watcher) -> None:
        """See Launcher. Tasks of a detached sweep of this machine are only watched."""
        if tasks:
            with ended_like_ctrl_c():
                _Sweep(self, tasks, watcher).run()

    def detach(self, tasks: Sequence[Task]) -> str:
        """Has the tasks run by a process that outlives this one; returns a line on how to stop it."""
        return detach(asdict(self), tasks)


class _Sweep:
    """One call of launch."""

    def __init__(self, settings: Local, tasks: Sequence[Task], watcher: Watcher) -> None:
        self.settings, self.watcher = settings, watcher
        self.me = {"engine": "local", **identity(os.getpid())}
        self.free = deque(slots([task.composed for task in tasks], settings.threads, settings.runs_per_gpu))
        self.running: list[_Attempt] = []
        self.waiting: deque[TaskFiles] = deque()
        self.held: list[TaskFiles] = []
        self.begun: dict[TaskFiles, int] = {}
        self.goes_on = True
        for files in map(TaskFiles, tasks):
            is_held_elsewhere = files.is_held() and files.holder() != self.me
            (self.held if is_held_elsewhere else self.waiting).append(files)

    def run(self) -> None:
        try:
            for files in self.held:
                self.watcher.started(files.task)
            for files in list(self.waiting):
                self._hold(files)
            while self.goes_on and (self.waiting or self.running or self.held):
                while self.waiting and self.free and self.goes_on:
                    self._begin(self.waiting.popleft())
                for attempt in list(self.running):
                    self._look(attempt)
                for files in list(self.held):
                    self._look_at_held(files)
                time.sleep(LOOK)
        finally:
            self._stop()
            for files in self.waiting:
                files.release()

    def _hold(self, files: TaskFiles) -> None:
        try:
            files.prepare()
            files.hold(self.me)
        except ResultsError as error:  # a full disk: the others may lie elsewhere
            self.waiting.remove(files)
            self.watcher.started(files.task)
            self._ended(files, Outcome(files.task.composed.label, "failed", files.task.path, str(error)))

    def _begin(self, files: TaskFiles) -> None:
        if files not in self.begun:
            self.watcher.started(files.task)
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
        code, now = attempt.worker.exit_code(), time.monotonic()
        limit = self.settings.time_limit
        if code is None:
            if attempt.asked is None and limit is not None and now - attempt.began > 60 * limit:
                attempt.asked = now
                attempt.worker.ask()
            elif attempt.asked is not None and now - attempt.asked > self.settings.grace:
                attempt.worker.kill()
            return
        self.running.remove(attempt)
        self.free.append(attempt.slot)
        files = attempt.files
        outcome = files.outcome()
        if outcome is None and attempt.asked is not None:
            reason = f"it ran longer than launcher.time_limit={limit:g} minutes"
            stopped = code == INTERRUPTED
            outcome = files.settle(
                "interrupted" if stopped else "lost", f"{reason}{'' if stopped else ' and was killed'}"
            )
        elif outcome is None and (code == INTERRUPTED or code < 0) and self.begun[files] <= self.settings.restarts:
            self.waiting.append(files)  # behind the others: whoever needs too much memory needs it again
            return
        if outcome is None:
            outcome = files.settle("interrupted" if code == INTERRUPTED else "lost", self._why(files, code))
        self._ended(files, outcome)

    def _why(self, files: TaskFiles, code: int) -> str:
        times = f" ({self.begun[files]} times)" if self.begun[files] > 1 else ""
        if code == INTERRUPTED:
            return f"it was asked to stop{times}"
        if code == UNWRITTEN:
            return "its process could not write how the run ended: disk full?"
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return f"its process {how}{times}"

    def _look_at_held(self, files: TaskFiles) -> None:
        outcome, alive = files.outcome(), lives(files.holder())
        if outcome is None and not alive:
            outcome = files.outcome()  # it may have come to its end between the two looks
        if outcome is not None:
            self.held.remove(files)
            self.goes_on = self.watcher.ended(files.task, outcome) and self.goes_on
        elif not alive:  # who had it in hand is gone
            self.held.remove(files)
            self.begun[files] = 0
            self.waiting.append(files)
            self._hold(files)

    def _ended(self, files: TaskFiles, outcome: Outcome) -> None:
        files.release()
        self.goes_on = self.watcher.ended(files.task, outcome) and self.goes_on

    def _stop(self) -> None:
        """Ends what still runs; each keeps what it has. A second Ctrl-C does not wait for that."""
        try:
            for attempt in self.running:
                attempt.worker.ask()
            until = time.monotonic() + self.settings.grace
            while any(a.worker.exit_code() is None for a in self.running) and time.monotonic() < until:
                time.sleep(LOOK)
        finally:
            for attempt in self.running:
                attempt.worker.kill()
                files = attempt.files
                outcome = files.outcome() or files.settle("interrupted", STOPPED)
                files.release()
                self.watcher.ended(files.task, outcome)
            self.running = []
