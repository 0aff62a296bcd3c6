"""What is in Slurm's queue already, and why it stays there."""

from collections.abc import Iterable, Mapping, Sequence

from vgp_bench.launchers.launcher import Task
from vgp_bench.launchers.slurm_commands import GONE, Job
from vgp_bench.launchers.task_files import TaskFiles
from vgp_bench.launchers.telling import tell
from vgp_bench.outcome import ENDED_WELL
from vgp_bench.plural import plural

ORDINARY = frozenset(
    ("", "None", "Priority", "Resources", "Dependency", "BeginTime", "Cleaning", "Prolog", "JobArrayTaskLimit")
)
"""Reasons, in squeue's words, for which a job waits that begins by itself."""


def in_queue(tasks: Sequence[Task], known: Mapping[str, Job]) -> tuple[dict[TaskFiles, str], list[TaskFiles]]:
    """The tasks that an earlier call submitted and that are still to be awaited, with their jobs; and the others.

    A task that has ended otherwise than well is not awaited, though its job be still there: it is to be run again.
    """
    there: dict[TaskFiles, str] = {}
    fresh = []
    for files in map(TaskFiles, tasks):
        holder = files.follow()
        number = str(holder["job"]) if holder.get("engine") == "slurm" else ""
        outcome = files.outcome() if number else None
        is_there = outcome.state in ENDED_WELL if outcome else not known.get(number, GONE).has_left
        if is_there:
            there[files] = number
        else:
            fresh.append(files)
    return there, fresh


class Reasons:
    """Why Slurm does not begin a job, said once for each reason, unless it is only its turn that the job waits for."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, jobs: Iterable[str], known: Mapping[str, Job]) -> None:
        """Says what is new of these jobs."""
        waiting: dict[str, list[str]] = {}
        for number in jobs:
            job = known.get(number, GONE)
            if job.state == "PENDING" and job.reason not in ORDINARY | self._told:
                waiting.setdefault(job.reason, []).append(number)
        for reason, those in waiting.items():
            self._told.add(reason)
            tell(f"Slurm does not begin {plural(len(those), 'run')}: {reason}; see `scontrol show job {those[0]}`")
