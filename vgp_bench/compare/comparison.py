"""Groups of runs with the estimate of every metric."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vgp_bench.compare.estimates import Estimate, estimate, reached, share
from vgp_bench.compare.grouping import STATES, Group, group_runs
from vgp_bench.compare.measuring import loss_tells_more, measure
from vgp_bench.compare.metrics import REACH, STEPS_TO, VERDICT, Metric, default_metrics, find_metric, steps_to
from vgp_bench.compare.notes import duplicates, mixtures
from vgp_bench.compare.verdicts import common, is_asked, judge_all
from vgp_bench.diagnosis.runs import JudgedRun
from vgp_bench.errors import ResultsError
from vgp_bench.records.reading import RunRecord

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

MANY_RUNS = 500
"""Above this many runs their epoch tables are read only when asked for."""


@dataclass(frozen=True)
class Comparison:
    """Groups of runs, in the natural order of their settings. Groups are numbered from 0.

    settings: keys in which groups differ; constants: keys worth naming on which all agree.
    groups: one row a group: the settings (missing: None), the number of runs in each of STATES, and n, the
    completed runs that count. estimates: indexed by (group, metric), columns as Estimate and never: the runs that
    did not reach what steps are counted to.
    runs: one row a run: group, path, seed, state, counted, and every metric (NaN: not measured; inf: never reached).
    members: the counted records of each group. notes: what a reader must know, a line each.
    metrics: what was estimated; chosen: whether they were asked for by name.
    verdicts: what the counted runs of each group agree on, or counts, "" where there is nothing to judge; judged: the
    verdict on every run by its path, which `runs` then holds as a column too. Both are empty if none was asked for.
    """

    settings: list[str]
    constants: dict[str, Any]
    groups: "pd.DataFrame"
    estimates: "pd.DataFrame"
    runs: "pd.DataFrame"
    members: list[list[RunRecord]]
    notes: list[str]
    metrics: list[Metric] = field(default_factory=list)
    chosen: bool = False
    verdicts: list[str] = field(default_factory=list)
    judged: dict["Path", JudgedRun] = field(default_factory=dict)

    def name(self, group: int) -> str:
        """The settings of a group in words, such as `activation=relu, architecture.depth=20`."""
        row = self.groups.loc[group]
        words = [f"{key}={row[key]}" for key in self.settings if row[key] is not None]
        return ", ".join(words) or "all runs"


def compare(
    records: Sequence[RunRecord],
    values: Sequence[str] | None = None,
    reach: float | None = None,
    judge: bool | None = None,
) -> Comparison:
    """Groups the runs and estimates the metrics. Reads the layer tables of runs that have no summary.

    values: names of metrics, those of default_metrics if not given; reach: the accuracy steps are counted to, in place
    of REACH; judge: whether to find the verdicts, not given: if VERDICT is in values, or without them up to
    JUDGED_RUNS runs. Raises ResultsError if no run can be compared, UserError for an unknown metric.
    """
    import pandas as pd

    usable = [record for record in records if record.state != "damaged"]
    notes = [f"left out: {record.reason}" for record in records if record.state == "damaged"]
    if not usable:
        raise ResultsError(notes[0] if notes else "no runs to compare; give the folder of a run")
    metrics = _metrics(usable, values, reach, notes)
    judge, why_not = is_asked(usable, values, judge)
    notes += [why_not] if why_not else []
    judged = judge_all(usable) if judge else {}
    settings, groups = group_runs(usable)

    group_rows, run_rows = [], []
    keys: list[tuple[int, str]] = []
    estimates: list[tuple[float, ...]] = []
    for number, group in enumerate(groups):
        states = Counter(record.state for record in group.runs)
        completed = sum(record.state == "completed" for record in group.counted)
        group_rows.append(group.values | {state: states[state] for state in STATES} | {"n": completed})
        measured: dict[int, list[float]] = {}
        counted = {id(record) for record in group.counted}
        for record in group.runs:
            measured[id(record)], problem = measure(record, metrics)
            notes += [problem] if problem else []
            known = (number, record.path, record.seed, record.state, id(record) in counted)
            run_rows.append([*known, *measured[id(record)]])
        for column, metric in enumerate(metrics):
            keys.append((number, metric.name))
            estimates.append(_estimate(group, measured, column, metric))

    table = pd.DataFrame(group_rows, dtype=object).astype(dict.fromkeys([*STATES, "n"], int))
    index = pd.MultiIndex.from_tuples(keys, names=["group", "metric"])
    comparison = Comparison(
        settings.names,
        settings.constants,
        table,
        pd.DataFrame(estimates, index=index, columns=[*Estimate._fields, "never"]),
        pd.DataFrame(run_rows, columns=["group", "path", "seed", "state", "counted", *(m.name for m in metrics)]),
        [group.counted for group in groups],
        notes,
        metrics,
        chosen=values is not None,
        verdicts=[common(group.counted, judged) for group in groups] if judged else [],
        judged=judged,
    )
    if judged:
        comparison.runs[VERDICT] = [judged[path].label for path in comparison.runs["path"]]
        notes += [run.problem for run in judged.values() if run.problem and run.problem not in notes]
    for number, group in enumerate(groups):
        if len(group.counted) < len(group.runs):
            notes += duplicates(comparison.name(number), group.runs)
    notes += mixtures(usable)
    return comparison


def _metrics(
    records: Sequence[RunRecord], values: Sequence[str] | None, reach: float | None, notes: list[str]
) -> list[Metric]:
    if values is not None:
        metrics = [find_metric(name) for name in dict.fromkeys(values) if name != VERDICT]
        if reach is not None and not any(metric.average == "reached" for metric in metrics):
            metrics.append(steps_to(reach))
        return metrics
    if reach is None and len(records) > MANY_RUNS:
        name = f"{STEPS_TO}{REACH:g}"
        notes.append(f"{name} left out: it reads a table of each of {len(records)} runs; --reach {REACH:g} asks for it")
    else:
        reach = REACH if reach is None else reach
    time = any(r.summary is not None and not math.isnan(r.summary.initial_decay_per_step) for r in records)
    return default_metrics(reach, any(map(loss_tells_more, records)), time)


def _estimate(group: Group, measured: dict[int, list[float]], column: int, metric: Metric) -> tuple[float, ...]:
    values = [
        measured[id(record)][column] for record in group.counted if metric.every_run or record.state == "completed"
    ]
    if metric.average == "reached":
        found, never = reached(values)
        return (*found, never)
    if metric.average == "share":
        return (*share(values), 0)
    if math.isnan(sum(values)) and all(map(math.isnan, values)):
        return (0, math.nan, math.nan, math.nan, 0)
    return (*estimate(values, metric.geometric), 0)
