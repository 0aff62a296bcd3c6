"""Each run as a task of a Slurm job array. sbatch itself, with a script of a few lines: a task queues itself again, so
that nobody has to be there, and how it ended stands in files, so that no database and no pickles are needed."""

import time as clock
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vgp_bench.errors import UserError
from vgp_bench.launchers.checks import check_least, check_positive
from vgp_bench.launchers.launcher import STOPPED, Task, Watcher
from vgp_bench.launchers.processes import ended_like_ctrl_c
from vgp_bench.launchers.slurm_commands import LEFT, ask, cancel, check_programs, queue, submit
from vgp_bench.launchers.slurm_script import batch_script
from vgp_bench.launchers.task_files import TaskFiles, sweep_folder
from vgp_bench.outcome import Outcome
from vgp_bench.records.files import write_atomically, writing

LARGEST_ARRAY = 1000
"""Tasks of one array: Slurm's MaxArraySize is 1001 unless a cluster says otherwise."""
LOST_AFTER = 10.0
"""Seconds: a job that has ended, or that Slurm no longer knows, and of which no outcome is seen by then, is lost. A
shared file system may show a file late."""
STOPPING = 60.0
"""Seconds that running tasks have to keep what they have when the sweep is stopped."""
NOT_ITS_FAULT = frozenset({"BOOT_FAIL", "NODE_FAIL", "PREEMPTED"})
"""Ends after which a task is submitted again, where Slurm was told not to queue it again by itself."""


@dataclass(frozen=True)
class Slurm:
    """time: minutes; warning: seconds; poll: seconds. See the yaml."""

    partition: str | None = None
    account: str | None = None
    time: int | None = None
    gpus: int | None = None
    memory: str | None = None
    cpus: int = 1
    max_parallel: int | None = None
    warning: int = 60
    restarts: int = 20
    poll: float = 5.0
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_least(1, time=self.time, gpus=self.gpus, cpus=self.cpus, max_parallel=self.max_parallel)
        check_least(0, warning=self.warning, restarts=self.restarts)
        check_positive(poll=self.poll)

    def device_of(self, name: str) -> str:
        """See Launcher. `auto` is a GPU where launcher.gpus asks for one: what a login node has says nothing of it."""
        return ("cuda" if self.gpus else "cpu") if name == "auto" else name

    def launch(self, tasks: Sequence[Task], watcher: Watcher) -> None:
        """See Launcher. What an earlier call has in the queue is watched, and goes on if this one is stopped."""
        if tasks:
            with ended_like_ctrl_c():
                _Sweep(self, tasks, watcher).run()

    def detach(self, tasks: Sequence[Task]) -> str:
        """Submits the tasks that are not in the queue yet; returns a line on how to stop them."""
        check_programs()
        known = queue() or {}
        files = [files for files in map(TaskFiles, tasks) if known.get(_job(files), "COMPLETED") in LEFT]
        jobs = sorted({job.split("_")[0] for job in self.submit(files).values()}, key=int)
        there = f"; {len(tasks) - len(files)} were there" if len(files) < len(tasks) else ""
        if not jobs:
            return f"{len(tasks)} runs were in Slurm's queue and are left there"
        return f"{len(files)} runs are in Slurm's queue{there} (`scancel {' '.join(jobs)}` stops them)"

    def submit(self, files: Sequence[TaskFiles]) -> dict[TaskFiles, str]:
        """Submits tasks; returns the number of the job of each. Raises ConfigError or ResultsError."""
        jobs: dict[TaskFiles, str] = {}
        for start in range(0, len(files), LARGEST_ARRAY):
            part = files[start : start + LARGEST_ARRAY]
            for one in part:
                one.prepare()
            folder = sweep_folder(part[0].task) / "slurm"
            paths = folder / f"{uuid.uuid4().hex[:12]}.txt"
            with writing(folder):
                folder.mkdir(parents=True, exist_ok=True)
            write_atomically(paths, "".join(f"{one.spec}\n{one.log}\n" for one in part).encode())
            at_once = self._at_once(part[0].task)
            share = max(1, at_once * len(part) // len(files)) if at_once else None
            name = part[0].task.composed.config["experiment_name"]
            job = submit(batch_script(self, name, len(part), share, paths, folder / "slurm-%A_%a.out"))
            for index, one in enumerate(part):
                jobs[one] = f"{job}_{index}"
                one.hold({"engine": "slurm", "job": jobs[one]})
        return jobs

    def _at_once(self, task: Task) -> int | None:
        jobs = task.composed.config["jobs"]
        return self.max_parallel or (None if jobs == "auto" else int(jobs))


def _job(files: TaskFiles) -> str:
    holder = files.holder()
    return str(holder["job"]) if holder.get("engine") == "slurm" else ""


class _Sweep:
    """One call of launch."""

    def __init__(self, settings: Slurm, tasks: Sequence[Task], watcher: Watcher) -> None:
        check_programs()
        self.settings, self.watcher = settings, watcher
        known = queue() or {}
        self.jobs: dict[TaskFiles, str] = {}
        fresh = []
        for files in map(TaskFiles, tasks):
            job = _job(files)
            if known.get(job, "COMPLETED") in LEFT:
                fresh.append(files)
            else:
                self.jobs[files] = job
        self.picked_up = set(self.jobs)
        self.begun: set[TaskFiles] = set()
        self.left_at: dict[TaskFiles, float] = {}
        self.times: dict[TaskFiles, int] = {}
        self.goes_on = True
        self._submit(fresh)

    def run(self) -> None:
        try:
            while self.goes_on and self.jobs:
                known = queue()
                for files in list(self.jobs):
                    self._look(files, known)
                if self.goes_on and self.jobs:
                    clock.sleep(self.settings.poll)
        finally:
            self._stop()

    def _submit(self, files: Sequence[TaskFiles]) -> None:
        for one in files:
            self.times[one] = self.times.get(one, 0) + 1
        self.jobs |= self.settings.submit(files)

    def _look(self, files: TaskFiles, known: Mapping[str, str] | None) -> None:
        if (outcome := files.outcome()) is not None:
            self._ended(files, outcome)
            return
        if known is None:  # Slurm does not answer: nothing is known
            self.left_at.pop(files, None)
            return
        state = known.get(self.jobs[files])
        if state is not None and state not in LEFT:
            self.left_at.pop(files, None)
            if state != "PENDING":
                self._started(files)
            return
        now = clock.monotonic()
        if now - self.left_at.setdefault(files, now) < LOST_AFTER:
            return
        del self.left_at[files]
        if state in NOT_ITS_FAULT and self.times.get(files, 0) <= self.settings.restarts:
            try:
                self._submit([files])
            except UserError as error:
                self._ended(files, files.settle("lost", f"{_why(state)}, and could not be submitted again: {error}"))
            return
        self._ended(files, files.settle("lost", _why(state)))

    def _started(self, files: TaskFiles) -> None:
        if files not in self.begun:
            self.begun.add(files)
            self.watcher.started(files.task)

    def _ended(self, files: TaskFiles, outcome: Outcome) -> None:
        self._started(files)
        del self.jobs[files]
        files.release()
        self.goes_on = self.watcher.ended(files.task, outcome) and self.goes_on

    def _stop(self) -> None:
        """Ends what this call submitted; each keeps what it has. A second Ctrl-C does not wait for that."""
        mine = {files: job for files, job in self.jobs.items() if files not in self.picked_up}
        try:
            ask(mine.values())
            until = clock.monotonic() + STOPPING
            while mine and clock.monotonic() < until:
                known = queue()
                if known is not None and all(known.get(job, "COMPLETED") in LEFT for job in mine.values()):
                    break
                clock.sleep(min(1.0, self.settings.poll))
        finally:
            cancel(mine.values())
            for files in mine:
                outcome = files.outcome()
                if files in self.begun:
                    outcome = outcome or files.settle("interrupted", STOPPED)
                    self.watcher.ended(files.task, outcome)
                files.release()
            self.jobs = {}


def _why(state: str | None) -> str:
    """What became of a job that left no word, in one line."""
    if state is None:
        return "Slurm no longer knows its job: it was cancelled, or lost"
    words = {
        "CANCELLED": "its job was cancelled",
        "TIMEOUT": "its job reached its time limit without heeding the signal before; see launcher.time and warning",
        "OUT_OF_MEMORY": "its job needed more memory than it had; set launcher.memory",
        "COMPLETED": "its job ended without a word",
    }
    return words.get(state, f"its job ended as {state}")
