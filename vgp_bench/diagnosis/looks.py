"""The probed steps of a case, one Look each, and for how long something has been seen at them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Axis, Evidence, Symptom, Verdict
from vgp_bench.records.signal import Columns

Seen = tuple[Evidence, int]
"""What a test found at a look: the evidence, and at which of the hidden stages."""


@dataclass(frozen=True)
class Look:
    """One table at one step, its stages in depth order."""

    step: int
    columns: Columns

    def column(self, name: str) -> NDArray[Any]:
        """A column for all stages."""
        return np.asarray(self.columns[name])

    def hidden(self, name: str) -> NDArray[Any]:
        """A column for the hidden stages."""
        values: NDArray[Any] = self.column(name)[self.column("kind") == "hidden"]
        return values

    def output(self, name: str) -> float:
        """A column at the output stage, NaN if there is none."""
        found = self.column(name)[self.column("kind") == "output"]
        return float(found[-1]) if len(found) else float("nan")


def looks(case: Case, table: str, measured: str = "") -> list[Look]:
    """What a table with stages holds, step by step; measured: only the rows in which this column is a number."""
    columns = case.tables[table]
    if measured:
        known = ~np.isnan(np.asarray(columns[measured], dtype=float))
        columns = {name: np.asarray(values)[known] for name, values in columns.items()}
    steps = np.asarray(columns["step"])
    if not len(steps):
        return []
    order = np.lexsort((np.asarray(columns["stage"]), steps))
    cuts = np.flatnonzero(np.diff(steps[order])) + 1
    return [
        Look(int(steps[index[0]]), {name: np.asarray(values)[index] for name, values in columns.items()})
        for index in np.split(order, cuts)
    ]


def lasting(
    verdict: Verdict, seen_at: Sequence[Look], test: Callable[[Look], Seen | None], axis: Axis = "", in_a_row: int = 1
) -> Symptom | None:
    """The symptom that the test finds at the last look, with the step since when it found one at every look.

    None if it finds none there, or neither in_a_row times in a row nor at every look there was.
    """
    found: list[Seen] = []
    for look in reversed(seen_at):
        seen = test(look)
        if seen is None:
            break
        found.append(seen)
    if not found or len(found) < min(in_a_row, len(seen_at)):
        return None
    last, onset = seen_at[-1], seen_at[-len(found)].step
    evidence, place = found[0]
    number, name = int(last.hidden("stage")[place]), str(last.hidden("name")[place])
    return Symptom(verdict, evidence, onset, axis, number, name)
