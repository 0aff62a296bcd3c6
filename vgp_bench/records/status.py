"""What became of a run, as its status.json says."""

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from vgp_bench.records.ownership import current_owner
from vgp_bench.records.processes import is_alive

State = Literal["running", "completed", "diverged", "failed", "interrupted"]
"""As written; a run that says running but whose process is gone is observed to be `lost`."""

ENDED = ("completed", "diverged")
"""States of a run that ended with a result."""

RESUMABLE = ("running", "interrupted")
"""States, as written, of a run that goes on where it stopped once it has a new owner."""


@dataclass(frozen=True, slots=True)
class Status:
    """state: see State; reason: one line on why a run is not completed; times: ISO 8601 in UTC; owner: the token of
    the process that wrote it, see ownership ("": from a version that had none)."""

    state: str
    reason: str = ""
    started: str = ""
    ended: str | None = None
    pid: int = 0
    host: str = ""
    owner: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values for status.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Status":
        """The status that as_json wrote. Raises KeyError or TypeError if the content is no status."""
        return cls(
            **{f.name: content[f.name] for f in fields(cls) if f.name != "owner"}, owner=content.get("owner", "")
        )

    def observed(self, run: Path) -> "Status":
        """The same, but lost if it says running and whoever ran it is gone. run: the directory it is of."""
        if self.state != "running":
            return self
        if not self.owner:
            if self.host == socket.gethostname() and not is_alive(self.pid):
                return self._lost(f"process {self.pid} ended without saying why")
            return self
        found, now = current_owner(run), time.time()
        if found is None:
            return self._lost(f"process {self.pid} ended without saying why")
        owner, touched = found
        if owner.is_gone(touched, now):
            silent = f"no sign of process {owner.pid} on {owner.host} for {now - touched:.0f} s"
            ended = f"process {owner.pid} ended without saying why"
            return self._lost(ended if owner.host == socket.gethostname() else silent)
        return self

    def _lost(self, reason: str) -> "Status":
        return replace(self, state="lost", reason=reason)


def started_now() -> Status:
    """The status of a run that this process begins now."""
    return Status("running", "", now(), None, os.getpid(), socket.gethostname())


def now() -> str:
    """The time, ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
