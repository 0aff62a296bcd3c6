"""Each run as a task of Ray, in a process of its own: ended after one task, so that runs share nothing."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vgp_bench.errors import ConfigError, ResultsError
from vgp_bench.launchers.checks import check_least, check_positive
from vgp_bench.launchers.launcher import STOPPED, Task, Watcher
from vgp_bench.launchers.processes import ended_like_ctrl_c
from vgp_bench.launchers.task_files import TaskFiles
from vgp_bench.outcome import Outcome
from vgp_bench.worker import INTERRUPTED, work

NEEDS = ("ray", "vgp-bench[ray]")
STOPPING = 30.0
"""Seconds that running tasks have to keep what they have when the sweep is stopped."""


@dataclass(frozen=True)
class Ray:
    """See the yaml."""

    address: str | None = None
    cpus: int = 1
    gpus: float = 0.0
    restarts: int = 2

    def __post_init__(self) -> None:
        check_least(0, gpus=self.gpus, restarts=self.restarts)
        check_positive(cpus=self.cpus)

    def device_of(self, name: str) -> str:
        """See Launcher. `auto` is a GPU where launcher.gpus asks for one: the node may be another machine."""
        return ("cuda" if self.gpus else "cpu") if name == "auto" else name

    def launch(self, tasks: Sequence[Task], watcher: Watcher) -> None:
        """See Launcher. Raises ConfigError if there is no cluster at the address."""
        if not tasks:
            return
        import ray

        if mine := not ray.is_initialized():
            try:
                # `local` and not None: that would join whatever cluster the environment or this machine offers.
                ray.init(address=self.address or "local", log_to_driver=False, include_dashboard=False)
            except (ConnectionError, ValueError) as error:
                raise ConfigError(f"launcher.address={self.address}: {' '.join(str(error).split())}") from error
        try:
            with ended_like_ctrl_c():
                _Sweep(self, tasks, watcher).run()
        finally:
            if mine:
                ray.shutdown()


class _Sweep:
    """One call of launch."""

    def __init__(self, settings: Ray, tasks: Sequence[Task], watcher: Watcher) -> None:
        import ray

        self.settings, self.watcher = settings, watcher
        jobs = tasks[0].composed.config["jobs"]
        self.at_once = sys.maxsize if jobs == "auto" else int(jobs)
        # max_retries=0: Ray would not say that it began a run again; max_calls=1: a fresh process for each.
        remote = ray.remote(max_retries=0, max_calls=1, num_cpus=settings.cpus, num_gpus=settings.gpus)
        self.remote = remote(_work)
        self.waiting = [TaskFiles(task) for task in tasks]
        self.running: dict[Any, TaskFiles] = {}
        self.begun: dict[TaskFiles, int] = {}
        self.goes_on = True

    def run(self) -> None:
        import ray

        try:
            while self.goes_on and (self.waiting or self.running):
                while self.waiting and len(self.running) < self.at_once:
                    self._begin(self.waiting.pop(0))
                for reference in ray.wait(list(self.running), timeout=1.0)[0] if self.running else []:
                    self._look(reference)
        finally:
            self._stop()

    def _begin(self, files: TaskFiles) -> None:
        if files not in self.begun:
            self.watcher.started(files.task)
        self.begun[files] = self.begun.get(files, 0) + 1
        try:
            files.prepare()
        except ResultsError as error:
            self._ended(files, Outcome(files.task.composed.label, "failed", files.task.path, str(error)))
            return
        where = (os.getcwd(), sys.path, self.settings.cpus)
        self.running[self.remote.remote(str(files.spec), str(files.log), *where)] = files

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
        if outcome is None and (lost or code == INTERRUPTED) and self.begun[files] <= self.settings.restarts:
            self.waiting.append(files)
            return
        if outcome is None:
            outcome = files.settle(
                "lost" if code != INTERRUPTED else "interrupted", lost or f"its exit code was {code}"
            )
        self._ended(files, outcome)

    def _ended(self, files: TaskFiles, outcome: Outcome) -> None:
        self.goes_on = self.watcher.ended(files.task, outcome) and self.goes_on

    def _stop(self) -> None:
        """Ends what still runs; each keeps what it has."""
        import ray

        for reference in self.running:
            ray.cancel(reference)  # a KeyboardInterrupt there
        if self.running:
            ray.wait(list(self.running), num_returns=len(self.running), timeout=STOPPING)
        for files in self.running.values():
            outcome = files.outcome() or files.settle("interrupted", STOPPED)
            self.watcher.ended(files.task, outcome)
        self.running = {}


def _work(spec: str, log: str, folder: str, path: list[str], cpus: int) -> int:
    """What a process of Ray does: as a worker started by hand in the launcher's folder, its words in the log."""
    os.chdir(folder)
    sys.path[:] = [*path, *(place for place in sys.path if place not in path)]
    os.environ["OMP_NUM_THREADS"] = str(cpus)
    with Path(log).open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    return work(Path(spec), wait=True)
