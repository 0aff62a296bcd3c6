"""A tracker as a user might write one: it keeps what it is told, and breaks where $BREAK_AT says."""

import os
from collections.abc import Sequence
from typing import Any

from vgp_bench.records.summary import Summary
from vgp_bench.trackers.metrics import Metric
from vgp_bench.trackers.tracker import TrackedRun, Tracker

told: list[tuple[str, Any]] = []


class Own(Tracker):
    """breaks: whether it raises in the method named in $BREAK_AT."""

    def __init__(self, layers_every: int | None = 1, breaks: bool = False) -> None:
        super().__init__(layers_every)
        self.breaks = breaks

    def open(self, run: TrackedRun) -> None:
        self.hear("open", run)

    def log(self, metrics: Sequence[Metric]) -> None:
        self.hear("log", list(metrics))

    def close(self, state: str, reason: str, summary: Summary | None) -> None:
        self.hear("close", (state, reason, summary))

    def hear(self, method: str, content: Any) -> None:
        if self.breaks and os.environ["BREAK_AT"] == method:
            if os.environ.get("BREAK_BY") == "exit":
                raise SystemExit(3)
            raise ArithmeticError("an own part\nwith an own mind")
        if not self.breaks:
            told.append((method, content))
