"""Runs on disk, each with its verdict. Nothing of it is stored: old records can be judged again by better rules."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vgp_bench.diagnosis.case import Case, case_of
from vgp_bench.diagnosis.finding import Diagnosis
from vgp_bench.diagnosis.judge import diagnose
from vgp_bench.errors import ResultsError
from vgp_bench.records.reading import RunRecord

DAMAGED = "damaged"

NO_PROBES = "no probes on record: judged by loss and layers alone"
"""Of runs without a monitor, and of those recorded before there was such a table."""


@dataclass(frozen=True)
class JudgedRun:
    """One run and what was found. diagnosis: None if its record is damaged; problem: what is wrong with the record.

    probed: whether there are probes on record; without them there is little to see.
    """

    path: Path
    diagnosis: Diagnosis | None
    problem: str = ""
    probed: bool = True

    @property
    def label(self) -> str:
        """The verdict with its axis, DAMAGED if there can be none."""
        return self.diagnosis.label if self.diagnosis is not None else DAMAGED

    @property
    def in_table(self) -> str:
        """The label; of a run that nothing is wrong with but that has hardly learned, so that nobody can be certain."""
        doubtful = (
            self.diagnosis is not None and self.diagnosis.verdict == "healthy" and self.diagnosis.sure != "certain"
        )
        return f"{self.label} (likely)" if doubtful else self.label

    @property
    def empty(self) -> bool:
        """Whether not even one step is on record, so that there is nothing to say."""
        return self.diagnosis is None or self.diagnosis.seen < 0


def judge_run(record: RunRecord, step: int | None = None) -> JudgedRun:
    """The verdict on a run, or on what its record held after `step`."""
    case, problem = read_case(record)
    return judged(record.path, case if step is None or case is None else case.until(step), problem)


def judged(path: Path, case: Case | None, problem: str = "") -> JudgedRun:
    """The verdict on what has been read of a run; case: None, and why, if that was not possible."""
    if case is None:
        return JudgedRun(path, None, problem)
    return JudgedRun(path, diagnose(case), probed=len(case.column("probes", "step")) > 0)


def read_case(record: RunRecord) -> tuple[Case | None, str]:
    """The tables of a run; or None and what is wrong with them."""
    if record.state == DAMAGED:
        return None, record.reason
    try:
        return case_of(record), ""
    except ResultsError as error:
        return None, str(error)


def counted(labels: Iterable[str]) -> str:
    """`2 healthy, 1 dead units`: the most frequent first."""
    return ", ".join(f"{count} {label}" for label, count in Counter(labels).most_common())
