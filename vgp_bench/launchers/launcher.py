"""What a launcher is: it has tasks run somewhere and says what it hears of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from vgp_bench.config import ComposedRun
from vgp_bench.outcome import Outcome

Progress = Callable[[int, float], None]
"""Called with the steps done since the last call and the latest loss."""

STOPPED = "the sweep was stopped"
"""Reason of a run that a launcher has broken off because it was stopped itself."""


@dataclass(frozen=True)
class Task:
    """One run of a sweep that has to be run.

    number: its place in the sweep, from 1; path: its run folder; command: as typed, for the record.
    """

    number: int
    composed: ComposedRun
    path: Path
    command: list[str]


class Watcher(Protocol):
    """Who is told of the tasks."""

    def started(self, task: Task) -> Callable[[int], Progress]:
        """A task begins. Returns what takes the number of its steps and returns what to call as they are done; a
        launcher that cannot see the steps of its tasks does not call it."""

    def ended(self, task: Task, outcome: Outcome) -> bool:
        """A task came to its end, whatever that is. Whether the others shall go on; if not, the launcher stops those
        that run (they keep what they have) and returns."""


class Launcher(Protocol):
    """An option of the group `launcher`; its fields are the option's keys."""

    def device_of(self, name: str) -> str:
        """The device that a run whose key `device` says `name` has where this launcher runs it; no longer `auto`, so
        that plan and worker name the run alike. Raises ConfigError for one that cannot be there, as far as that is
        known here."""

    def launch(self, tasks: Sequence[Task], watcher: Watcher) -> None:
        """Returns when every task has ended or was given up, each told to the watcher exactly once.

        Ctrl-C stops the running tasks, which keep what they have, and is passed on as KeyboardInterrupt.
        """


@runtime_checkable
class Detachable(Protocol):
    """A launcher whose tasks can outlive the process that asked for them."""

    def detach(self, tasks: Sequence[Task]) -> str:
        """Sees to it that the tasks are run, and returns at once, with a line on how to stop them."""
