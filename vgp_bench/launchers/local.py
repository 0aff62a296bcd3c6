"""Each run in a process of this machine. Plain subprocesses: what a run says of itself is in files, so that nothing has
to be pickled or passed through pipes, and a worker that dies takes nothing with it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from vgp_bench.launchers.checks import check_least, check_positive
from vgp_bench.launchers.detaching import detach
from vgp_bench.launchers.launcher import Task, Watcher
from vgp_bench.launchers.local_sweep import LocalSweep
from vgp_bench.launchers.processes import ended_like_ctrl_c
from vgp_bench.launchers.slots import slots


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
        """See Launcher. Tasks that another process of this machine sees to, and runs that another one has in hand, are
        only watched, unless that process dies."""
        if tasks:
            free = slots([task.composed for task in tasks], self.threads, self.runs_per_gpu)
            with ended_like_ctrl_c():
                LocalSweep(free, self.time_limit, self.grace, self.restarts, watcher).run(tasks)

    def detach(self, tasks: Sequence[Task]) -> str:
        """Has the tasks run by a process that outlives this one; returns a line on how to stop it."""
        return detach(asdict(self), tasks)
