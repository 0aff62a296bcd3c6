"""The files by which a launcher and the worker of a task know of each other, beside the runs and not in them: a run's
folder is its record. RESULTS/EXPERIMENT/.sweep holds tasks/RUN_ID.json (the spec), .outcome.json and .holder.json
beside it, and logs/RUN_ID.log.

Several launchers may have the same run among their tasks, one after the other or at once: none takes away the outcome
that another one waits for (.earlier.json keeps it), or writes an end over an attempt that is not its own.
"""

import contextlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vgp_bench.errors import ResultsError
from vgp_bench.launchers.launcher import Task
from vgp_bench.launchers.processes import lives
from vgp_bench.outcome import ENDED_WELL, Outcome
from vgp_bench.records.broken_off import explain
from vgp_bench.records.files import write_atomically, writing
from vgp_bench.records.ownership import current_owner
from vgp_bench.records.reading import read_status, read_summary
from vgp_bench.worker import ends, put_aside, read_outcome, write_outcome, write_spec


class TaskFiles:
    """The files of one task. Writing raises ResultsError."""

    def __init__(self, task: Task) -> None:
        self.task = task
        # Absolute: a job of a cluster may start elsewhere.
        self.folder = sweep_folder(task)
        self.spec = self.folder / "tasks" / f"{task.path.name}.json"
        self.log = self.folder / "logs" / f"{task.path.name}.log"
        self._holder = self.spec.with_suffix(".holder.json")
        self._mine: dict[str, Any] = {}
        self._before: frozenset[str] = frozenset()

    def prepare(self) -> None:
        """Writes the spec; a worker can then begin. What ended before is no longer the outcome."""
        with writing(self.folder):
            for path in (self.spec, self.log):
                path.parent.mkdir(parents=True, exist_ok=True)
        put_aside(self.spec)
        self._before = ends(self.spec)
        write_spec(self.spec, self.task.composed, self.task.command)

    def hold(self, holder: Mapping[str, Any]) -> None:
        """Says who will see to the task, so that nobody else begins it."""
        self._mine = dict(holder)
        write_atomically(self._holder, json.dumps({**holder, "before": sorted(self._before)}).encode())

    def follow(self) -> dict[str, Any]:
        """The same as holder(); from now on outcome() is that of the attempt which this one sees to, or, where nobody
        does, of whichever ends next."""
        content = self._content()
        before = content.pop("before", None)
        self._before = frozenset(before) if isinstance(before, list) else ends(self.spec)
        self._mine = content
        return content

    def holder(self) -> dict[str, Any]:
        """Who sees to the task; {} if nobody does."""
        content = self._content()
        content.pop("before", None)
        return content

    def is_held(self) -> bool:
        """Whether a process of this machine sees to the task."""
        holder = self.holder()
        return holder.get("engine") == "local" and lives(holder)

    def is_in_hand(self) -> bool:
        """Whether a living process is just running it, whoever began that."""
        found = current_owner(self.task.path)
        return found is not None and not found[0].is_gone(found[1], time.time())

    def outcome(self) -> Outcome | None:
        """How the task ended, if it did, its reason with the log where it is no good end."""
        outcome = read_outcome(self.spec, self.task.composed.label, self._before)
        if outcome is None or outcome.state in ENDED_WELL:
            return outcome
        return replace(outcome, reason=self.with_log(outcome.reason))

    def finished(self) -> Outcome | None:
        """The end as the record tells it, if the run has a result: whoever produced it."""
        try:
            status, summary = read_status(self.task.path), read_summary(self.task.path)
        except ResultsError:
            return None
        is_to_be_repeated = status.state == "diverged" and self.task.composed.config.get("retry") == "all"
        if status.state not in ENDED_WELL or summary is None or is_to_be_repeated:
            return None
        return Outcome(self.task.composed.label, status.state, self.task.path, status.reason, summary)

    def settle(self, state: str, reason: str) -> Outcome:
        """The end of a task whose worker could not say it; kept for whoever watches the sweep from elsewhere.

        Where there is an end after all, it is that one.
        """
        # A shared file system may go on denying a file for a while, unless its folder is looked at.
        with contextlib.suppress(OSError):
            os.listdir(self.spec.parent)
        if (known := self.outcome() or self.finished()) is not None:
            return known
        if self.holder() in ({}, self._mine):
            try:
                write_outcome(self.spec, Outcome(self.task.composed.label, state, self.task.path, reason))
            except ResultsError as error:  # then only this process knows; and it may be why the worker said nothing
                reason = f"{reason}; {error}"
        return Outcome(self.task.composed.label, state, self.task.path, self.with_log(reason))

    def explain(self, reason: str) -> None:
        """Has the record of a run that was broken off say why, for it could not know. Never raises."""
        explain(self.task.path, reason)

    def release(self) -> None:
        """Whoever saw to the task here does so no more."""
        if self.holder() == self._mine:
            with contextlib.suppress(OSError):
                self._holder.unlink()

    def with_log(self, reason: str) -> str:
        """The reason and where to read more, if there is anything to read."""
        return f"{reason}; see {self.log}" if self.log.is_file() and self.log.stat().st_size else reason

    def _content(self) -> dict[str, Any]:
        try:
            content = json.loads(self._holder.read_text())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}


def sweep_folder(task: Task) -> Path:
    """Where the files of a sweep lie, absolute."""
    return task.path.parent.absolute() / ".sweep"
