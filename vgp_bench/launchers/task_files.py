"""The files by which a launcher and the worker of a task know of each other, beside the runs and not in them: a run's
folder is its record. RESULTS/EXPERIMENT/.sweep holds tasks/RUN_ID.json (the spec), .outcome.json and .holder.json
beside it, and logs/RUN_ID.log."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vgp_bench.errors import ResultsError
from vgp_bench.launchers.launcher import Task
from vgp_bench.launchers.processes import lives
from vgp_bench.outcome import Outcome
from vgp_bench.records.files import write_atomically, writing
from vgp_bench.worker import read_outcome, write_outcome, write_spec


class TaskFiles:
    """The files of one task. Writing raises ResultsError."""

    def __init__(self, task: Task) -> None:
        self.task = task
        # Absolute: a job of a cluster may start elsewhere.
        self.folder = sweep_folder(task)
        self.spec = self.folder / "tasks" / f"{task.path.name}.json"
        self.log = self.folder / "logs" / f"{task.path.name}.log"
        self._holder = self.spec.with_suffix(".holder.json")

    def prepare(self) -> None:
        """Writes the spec; a worker can then begin."""
        with writing(self.folder):
            for path in (self.spec, self.log):
                path.parent.mkdir(parents=True, exist_ok=True)
        write_spec(self.spec, self.task.composed, self.task.command)

    def hold(self, holder: Mapping[str, Any]) -> None:
        """Says who will see to the task, so that nobody else begins it."""
        write_atomically(self._holder, json.dumps(holder).encode())

    def holder(self) -> dict[str, Any]:
        """Who sees to the task; {} if nobody does."""
        try:
            content = json.loads(self._holder.read_text())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def is_held(self) -> bool:
        """Whether a process of this machine sees to the task."""
        holder = self.holder()
        return holder.get("engine") == "local" and lives(holder)

    def outcome(self) -> Outcome | None:
        """How the task ended, if it did, its reason with the log where it is no good end."""
        outcome = read_outcome(self.spec, self.task.composed.label)
        if outcome is None or outcome.summary is not None:
            return outcome
        return replace(outcome, reason=self.with_log(outcome.reason))

    def settle(self, state: str, reason: str) -> Outcome:
        """The end of a task whose worker could not say it; kept for whoever watches the sweep from elsewhere."""
        try:
            write_outcome(self.spec, Outcome(self.task.composed.label, state, self.task.path, reason))
        except ResultsError as error:  # then only this process knows; and it may be why the worker said nothing
            reason = f"{reason}; {error}"
        return Outcome(self.task.composed.label, state, self.task.path, self.with_log(reason))

    def release(self) -> None:
        """Nobody sees to the task any more."""
        with contextlib.suppress(OSError):
            self._holder.unlink()

    def with_log(self, reason: str) -> str:
        """The reason and where to read more, if there is anything to read."""
        return f"{reason}; see {self.log}" if self.log.is_file() and self.log.stat().st_size else reason


def sweep_folder(task: Task) -> Path:
    """Where the files of a sweep lie, absolute."""
    return task.path.parent.absolute() / ".sweep"
