"""Tasks that another process has in hand, watched to their end: those of a sweep that was detached, of another call of
the same command, or those whose worker outlives the process that began it."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from vgp_bench.launchers.processes import lives
from vgp_bench.launchers.task_files import TaskFiles
from vgp_bench.launchers.telling import tell
from vgp_bench.outcome import Outcome

EVERY = 1.0
"""Seconds between two looks: each opens two small files, and there may be 1,000 tasks."""


class Elsewhere:
    """me: the holder that stands for this process."""

    def __init__(self, me: Mapping[str, Any]) -> None:
        self.me = me
        self.watched: list[TaskFiles] = []
        self._looked = -EVERY
        self._said = False

    def has(self, files: TaskFiles) -> bool:
        """Whether another process sees to this task or runs it."""
        return self._is_held(files) or files.is_in_hand()

    def is_left(self, files: TaskFiles) -> bool:
        """Whether nobody but this process would miss the holder of a task that has ended."""
        holder = files.holder()
        return holder == self.me or (holder.get("engine") == "local" and not lives(holder))

    def watch(self, files: TaskFiles) -> None:
        """Wait for the end of this task."""
        if files.holder() != self.me:
            files.follow()
        self.watched.append(files)
        if not self._said and not self._is_held(files):
            self._said = True
            tell(f"another process is running {files.task.path}, and its end is awaited; the others go on meanwhile")

    def look(self) -> Iterator[tuple[TaskFiles, Outcome | None]]:
        """The tasks that are awaited no longer: with how they ended, or None where whoever had them in hand is gone.

        Looks at nothing where it has looked a moment ago.
        """
        now = time.monotonic()
        if not self.watched or now - self._looked < EVERY:
            return
        self._looked = now
        for files in list(self.watched):
            is_in_hands = self.has(files)  # first: it may come to its end between the two looks
            outcome = files.outcome() or (None if is_in_hands else files.finished())
            if outcome is not None or not is_in_hands:
                self.watched.remove(files)
                yield files, outcome

    def ended(self) -> Iterator[tuple[TaskFiles, Outcome]]:
        """Those that have ended by now."""
        for files in self.watched:
            if (outcome := files.outcome() or files.finished()) is not None:
                yield files, outcome

    def _is_held(self, files: TaskFiles) -> bool:
        return files.is_held() and files.holder() != self.me
