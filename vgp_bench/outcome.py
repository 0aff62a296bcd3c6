"""How a run ended, for whoever tells of it. Needs no torch."""

from dataclasses import dataclass
from pathlib import Path

from vgp_bench.records.summary import Summary


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    state: completed, diverged, failed, interrupted, lost, refused (nothing was started, nothing written) or kept
    (finished earlier, not run again; `reason` is then its state of old).
    """

    label: str
    state: str
    path: Path | None = None
    reason: str = ""
    summary: Summary | None = None
