"""Runs one after the other in this process."""

from collections.abc import Sequence
from dataclasses import dataclass

from vgp_bench.launchers.launcher import Task, Watcher


@dataclass(frozen=True)
class Inline:
    """Imports and data are shared; a crash of the interpreter ends them all."""

    def device_of(self, name: str) -> str:
        """See Launcher."""
        from vgp_bench.building import resolve_device  # torch, as below

        return resolve_device(name)

    def launch(self, tasks: Sequence[Task], watcher: Watcher) -> None:
        """See Launcher."""
        from vgp_bench.run import perform  # torch is imported here: only now is it sure that something runs

        for task in tasks:
            announce = watcher.started(task)
            if not watcher.ended(task, perform(task.composed, task.command, announce)):
                return
