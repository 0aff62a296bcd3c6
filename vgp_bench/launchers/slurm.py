"""Each run as a task of a Slurm job array. sbatch itself, with a script of a few lines: a task queues itself again, so
that nobody has to be there, and how it ended stands in files, so that no database and no pickles are needed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from vgp_bench.errors import ConfigError
from vgp_bench.launchers.checks import check_least, check_positive
from vgp_bench.launchers.launcher import Task, Watcher
from vgp_bench.launchers.processes import ended_like_ctrl_c
from vgp_bench.launchers.slurm_arrays import submit_tasks
from vgp_bench.launchers.slurm_commands import GONE, check_programs, queue_for_sure
from vgp_bench.launchers.slurm_pending import in_queue
from vgp_bench.launchers.slurm_sweep import SlurmSweep
from vgp_bench.launchers.task_files import TaskFiles
from vgp_bench.launchers.telling import tell

BEGINNING = 30
"""Seconds that a run takes, say, to begin: imports, data, the last checkpoint."""


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
        if self.time is not None and 60 * self.time <= self.warning + BEGINNING:
            least, most = (self.warning + BEGINNING) // 60 + 1, 60 * self.time - BEGINNING - 1
            raise ConfigError(
                f"launcher.time={self.time}: minutes; launcher.warning={self.warning} s before their end a run has to "
                f"leave, and would not have begun; use launcher.time={least} or more or launcher.warning={most} or less"
            )

    def device_of(self, name: str) -> str:
        """See Launcher. `auto` is a GPU where launcher.gpus asks for one: what a login node has says nothing of it."""
        return ("cuda" if self.gpus else "cpu") if name == "auto" else name

    def launch(self, tasks: Sequence[Task], watcher: Watcher) -> None:
        """See Launcher. What an earlier call has in the queue is watched, and goes on if this one is stopped. If the
        terminal goes away (SIGHUP), all of it goes on."""
        if tasks:
            check_programs()
            with ended_like_ctrl_c():
                SlurmSweep(self, watcher).run(tasks)

    def detach(self, tasks: Sequence[Task]) -> str:
        """Submits the tasks that are not in the queue yet; returns a line on how to stop them."""
        check_programs()
        known = queue_for_sure()
        there, fresh = in_queue(tasks, known)
        ahead = [job for job in there.values() if not known.get(job, GONE).has_left]
        jobs: dict[TaskFiles, str] = {}
        try:
            submit_tasks(self, fresh, jobs, ahead)
        except BaseException:  # an array may be refused, or Ctrl-C come, when others are in the queue
            if jobs:
                tell(_submitted(jobs, 0))
            raise
        if not jobs:
            return f"{len(tasks)} runs were in Slurm's queue and are left there"
        return _submitted(jobs, len(there))


def _submitted(jobs: dict[TaskFiles, str], there: int) -> str:
    more = f"; {there} were there" if there else ""
    numbers = sorted({job.split("_")[0] for job in jobs.values()}, key=int)
    return f"{len(jobs)} runs are in Slurm's queue{more} (`scancel {' '.join(numbers)}` stops them)"
