"""Each run as a task of a Slurm job array. sbatch itself, with a script of a few lines: a task queues itself again, so
that nobody has to be there, and how it ended stands in files, so that no database and no pickles are needed."""

from collections.abc import Sequence
from dataclasses import dataclass

from vgp_bench.launchers.launcher import Task, Watcher
from vgp_bench.launchers.processes import ended_like_ctrl_c
from vgp_bench.launchers.slurm_arrays import submit_tasks
from vgp_bench.launchers.slurm_commands import GONE, check_programs, queue_for_sure
from vgp_bench.launchers.slurm_pending import in_queue
from vgp_bench.launchers.slurm_settings import SlurmSettings
from vgp_bench.launchers.slurm_sweep import SlurmSweep
from vgp_bench.launchers.task_files import TaskFiles
from vgp_bench.launchers.telling import tell
from vgp_bench.plural import agreeing, plural


@dataclass(frozen=True)
class Slurm(SlurmSettings):
    """A Launcher with the keys of SlurmSettings."""

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
            return f"{plural(len(tasks), 'run', 'were')} in Slurm's queue and {agreeing(len(tasks), 'are')} left there"
        return _submitted(jobs, len(there))


def _submitted(jobs: dict[TaskFiles, str], there: int) -> str:
    more = f"; {there} {agreeing(there, 'were')} there" if there else ""
    numbers = sorted({job.split("_")[0] for job in jobs.values()}, key=int)
    return f"{plural(len(jobs), 'run', 'are')} in Slurm's queue{more} (`scancel {' '.join(numbers)}` stops them)"
