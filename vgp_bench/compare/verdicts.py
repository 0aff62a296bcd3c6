"""The verdict on each run of a comparison, found anew at every reading, and what those of a group have in common."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from vgp_bench.compare.metrics import VERDICT
from vgp_bench.diagnosis.runs import JudgedRun, counted, judge_run
from vgp_bench.records.reading import RunRecord

JUDGED_RUNS = 100
"""Above this many runs they are judged only when asked for: four tables of each are read, 20 ms a run."""

NO_VERDICT = ""
"""Of a group without a run to judge."""


def is_asked(records: Sequence[RunRecord], values: Sequence[str] | None, judge: bool | None) -> tuple[bool, str]:
    """Whether to judge these runs, and, where that is left out of a default table, a line that says so."""
    if judge is not None:
        return judge, ""
    if values is not None:
        return VERDICT in values, ""
    few = len(records) <= JUDGED_RUNS
    told = f"{VERDICT} left out: it reads the tables of {len(records)} runs; --values {VERDICT} asks for it"
    return few, "" if few else told


def judge_all(records: Iterable[RunRecord]) -> dict[Path, JudgedRun]:
    """The verdict on each run, by its path."""
    return {record.path: judge_run(record) for record in records}


def common(counted_runs: Sequence[RunRecord], judged: dict[Path, JudgedRun]) -> str:
    """The verdict on which these runs agree, or how many have which. Runs without a step are left out."""
    labels = [judged[record.path].in_table for record in counted_runs if not judged[record.path].empty]
    if not labels:
        return NO_VERDICT
    return labels[0] if len(set(labels)) == 1 else counted(labels)
