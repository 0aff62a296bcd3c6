"""Runs with their verdicts, side by side: in the order of a comparison, with what tells them apart."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from vgp_bench.compare.grouping import group_runs
from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.rule_sets import OURS, rule_sets
from vgp_bench.diagnosis.runs import JudgedRun, judged, read_case
from vgp_bench.errors import ResultsError
from vgp_bench.records.reading import RunRecord
from vgp_bench.records.settings import Value

HEALTHY = "healthy"

Progress = Callable[[Iterable[RunRecord]], Iterable[RunRecord]]
"""Passes the runs through and tells how far they are."""


@dataclass(frozen=True)
class Entry:
    """One run. values: its settings; labels: rule set -> its verdicts, all of the others' rules that apply."""

    values: dict[str, Value]
    seed: Any
    run: JudgedRun
    labels: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Diagnoses:
    """settings: keys in which runs differ; constants: keys worth naming on which all agree; damaged: why, a line each.

    rules: the rule sets asked for.
    """

    settings: list[str]
    constants: dict[str, Value]
    entries: list[Entry]
    damaged: list[str]
    rules: list[str]


def diagnose_runs(
    records: Sequence[RunRecord], rules: Sequence[str] = (OURS,), step: int | None = None, progress: Progress = iter
) -> Diagnoses:
    """Judges the runs, or what their records held after `step`. A damaged one is told of, not judged.

    Raises ResultsError if all of them are damaged.
    """
    usable = [record for record in records if record.state != "damaged"]
    damaged = [record.reason for record in records if record.state == "damaged"]
    if not usable:
        raise ResultsError(damaged[0] if damaged else "no runs to judge; give the folder of a run")
    settings, groups = group_runs(usable)
    values = {id(record): group.values for group in groups for record in group.runs}
    entries = []
    for record in progress([record for group in groups for record in group.runs]):
        case, problem = read_case(record)
        if case is None:
            damaged.append(problem)
            continue
        case = case if step is None else case.until(step)
        run = judged(record.path, case)
        entries.append(Entry(values[id(record)], record.seed, run, _labels(run, case, rules)))
    if not entries:
        raise ResultsError(damaged[0])
    return Diagnoses(settings.names, settings.constants, entries, damaged, list(rules))


def _labels(run: JudgedRun, case: Case, rules: Sequence[str]) -> dict[str, list[str]]:
    return {name: [run.label] if name == OURS else rule_sets()[name](case) or [HEALTHY] for name in rules}
