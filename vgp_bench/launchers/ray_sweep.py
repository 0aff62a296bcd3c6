"""One sweep over Ray: a task of Ray for each run, begun again where its process or its node is lost."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vgp_bench.errors import ResultsError
from vgp_bench.launchers.launcher import STOPPED, Task, Watcher
from vgp_bench.launchers.task_files import TaskFiles
from vgp_bench.outcome import Outcome
from vgp_bench.worker import INTERRUPTED, work

STOPPING = 30.0
"""Seconds that running tasks have to keep what they have when the sweep is stopped."""


class RaySweep:
    """One call of launch. cpus, gpus: of each run; restarts: times it is begun again."""

    def __init__(self, cpus: int, gpus: float, restarts: int, tasks: Sequence[Task], watcher: Watcher) -> None:
        import ray

        self.cpus, self.restarts, self.watcher = cpus, restarts, watcher
        jobs = tasks[0].composed.config["jobs"]
        self.at_once = sys.maxsize if jobs == "auto" else int(jobs)
        # max_retries=0: Ray would not say that it began a run again; max_calls=1: a fresh process for each.
        self.remote = ray.remote(max_retries=0, max_calls=1, num_cpus=cpus, num_gpus=gpus)(_work)
        self.waiting = [TaskFiles(task) for task in tasks]
        self.running: dict[Any, TaskFiles] = {}
        self.given: dict[TaskFiles, int] = {}
        self.log_size: dict[TaskFiles, int] = {}
        self.told: set[TaskFiles] = set()
        self.goes_on = True

    def run(self) -> None:
        """Until all have ended, or the watcher has seen enough."""
        import ray

        try:
            while self.goes_on and (self.waiting or self.running):
                while self.waiting and len(self.running) < self.at_once and self.goes_on:
                    self._give(self.waiting.pop(0))
                for reference in ray.wait(list(self.running), timeout=1.0)[0] if self.running else []:
                    self._look(reference)
                for files in self.running.values():
                    if self._has_begun(files):
                        self._started(files)
        finally:
            self._stop()

    def _give(self, files: TaskFiles) -> None:
        """To Ray, which begins it once it has room."""
        self.given[files] = self.given.get(files, 0) + 1
        try:
            files.prepare()
        except ResultsError as error:
            self._ended(files, Outcome(files.task.composed.label, "failed", files.task.path, str(error)))
            return
        self.log_size[files] = _size(files.log)
        where = (os.getcwd(), sys.path, self.cpus)
        self.running[self.remote.remote(str(files.spec), str(files.log), *where)] = files

    def _has_begun(self, files: TaskFiles) -> bool:
        """Whether it has said its first word: Ray itself does not tell a task that runs from one that waits."""
        return _size(files.log) > self.log_size[files]

    def _look(self, reference: Any) -> None:
        import ray

        files = self.running.pop(reference)
        code: int | None = None
        lost = ""
        try:
            code = ray.get(reference)
        except ray.exceptions.RayError as error:  # its process, or its node, is gone
            lost = f"Ray lost it: {(str(error).strip() or type(error).__name__).splitlines()[0]}"
        outcome = files.outcome()
        if outcome is None and (lost or code == INTERRUPTED) and self.given[files] <= self.restarts:
            self.waiting.append(files)
            return
        if outcome is None:
            outcome = files.settle(
                "lost" if code != INTERRUPTED else "interrupted", lost or f"its exit code was {code}"
            )
        self._ended(files, outcome)

    def _started(self, files: TaskFiles) -> None:
        if files not in self.told:
            self.told.add(files)
            self.watcher.started(files.task)

    def _ended(self, files: TaskFiles, outcome: Outcome) -> None:
        self._started(files)
        self.goes_on = self.watcher.ended(files.task, outcome) and self.goes_on

    def _stop(self) -> None:
        """Ends what still runs; each keeps what it has. What Ray had no room for yet has not begun, and nothing is said
        of it."""
        import ray

        for reference in self.running:
            ray.cancel(reference)  # a KeyboardInterrupt there
        if self.running:
            ray.wait(list(self.running), num_returns=len(self.running), timeout=STOPPING)
        for files in self.running.values():
            outcome = files.outcome()
            if outcome is None and (files in self.told or self._has_begun(files)):
                outcome = files.settle("interrupted", STOPPED)
            if outcome is not None:
                self._ended(files, outcome)
        self.running = {}


def _size(log: Path) -> int:
    """Bytes; 0 if there is none yet."""
    try:
        return log.stat().st_size
    except OSError:
        return 0


def _work(spec: str, log: str, folder: str, path: list[str], cpus: int) -> int:
    """What a process of Ray does: as a worker started by hand in the launcher's folder, its words in the log."""
    os.chdir(folder)
    sys.path[:] = [*path, *(place for place in sys.path if place not in path)]
    os.environ["OMP_NUM_THREADS"] = str(cpus)
    with Path(log).open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    return work(Path(spec), wait=True)
