"""What became of a run, as its status.json says."""

import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

State = Literal["running", "completed", "diverged", "failed", "interrupted"]


@dataclass(frozen=True, slots=True)
class Status:
    """state: see State; reason: one line on why a run is not completed; times: ISO 8601 in UTC."""

    state: str
    reason: str = ""
    started: str = ""
    ended: str | None = None
    pid: int = 0
    host: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values for status.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Status":
        """The status that as_json wrote. Raises KeyError or TypeError if the content is no status."""
        return cls(**{name: content[name] for name in cls.__dataclass_fields__})

    def observed(self) -> "Status":
        """The same, but interrupted if it says running and its process on this machine is gone (killed)."""
        if self.state == "running" and self.host == socket.gethostname() and not _exists(self.pid):
            reason = f"process {self.pid} ended without saying why"
            return Status("interrupted", reason, self.started, None, self.pid, self.host)
        return self


def started_now() -> Status:
    """The status of a run that this process begins now."""
    return Status("running", "", now(), None, os.getpid(), socket.gethostname())


def now() -> str:
    """The time, ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # signal 0 asks and does nothing
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it exists but belongs to someone else
    return True
