"""How a run ended, for whoever tells of it. Needs no torch."""

from dataclasses import dataclass
from pathlib import Path

from vgp_bench.records.files import FULL
from vgp_bench.records.ownership import ELSEWHERE
from vgp_bench.records.summary import Summary

ENDED_WELL = ("completed", "diverged", "kept")
"""States that are results: there is nothing to be run again."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    state: completed, diverged, failed, interrupted, lost, damaged (its record cannot be read, and it was left so),
    refused (nothing was started, nothing written) or kept (finished earlier, not run again; `reason` is then its state
    of old).
    """

    label: str
    state: str
    path: Path | None = None
    reason: str = ""
    summary: Summary | None = None

    @property
    def is_elsewhere(self) -> bool:
        """Whether it was refused because another process has the run in hand."""
        return self.state == "refused" and self.reason.startswith(ELSEWHERE)

    @property
    def is_disk_full(self) -> bool:
        """Whether the disk had no room: then no other run has any there."""
        return self.state not in ENDED_WELL and self.reason.startswith(FULL)

    @property
    def is_failure(self) -> bool:
        """Whether a sweep with fail_fast stops here: a run that another process has in hand is none."""
        return self.state not in ENDED_WELL and not self.is_elsewhere
