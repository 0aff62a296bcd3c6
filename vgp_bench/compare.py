"""Runs side by side: grouped by config, each figure with its interval over seeds.

What is averaged, and how:
- A group is every run with the same resolved config but for the seed (and the keys that cannot change numbers).
- Figures of the outcome come from completed runs only; how many ended otherwise is told beside them. Figures at
  initialization come from every run that measured them, because they do not depend on how a run ended.
- Each seed counts once, else the interval would be too narrow: of several runs the completed and latest one.
- Gradient ratio and decay per layer are factors: geometric mean, interval on the logarithm.
- Interval: 95 % Student t interval of the mean for n >= 3; the range for n = 2; none for n = 1. It is not cut
  off at 0 or 100 %.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from vgp_bench.errors import ResultsError
from vgp_bench.records.identity import canonical, settled
from vgp_bench.records.reading import RunRecord
from vgp_bench.records.settings import natural_key, tell_apart
from vgp_bench.records.signal import signal_figures

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.95

STATES = ("completed", "diverged", "failed", "interrupted", "running")


class Figure(NamedTuple):
    """name: field of Summary; geometric: average it as a factor; every_run: also of runs that did not complete."""

    name: str
    geometric: bool = False
    every_run: bool = False


FIGURES = (
    Figure("test_accuracy"),
    Figure("validation_accuracy"),
    Figure("train_accuracy"),
    Figure("initial_gradient_ratio", geometric=True, every_run=True),
    Figure("initial_decay_per_layer", geometric=True, every_run=True),
    Figure("final_dead_fraction"),
    Figure("parameters", every_run=True),
    Figure("seconds"),
)


class Estimate(NamedTuple):
    """n values, their mean, and the interval from low to high (NaN where there is none)."""

    n: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Groups of runs, in the natural order of their settings. Groups are numbered from 0.

    settings: keys in which groups differ; constants: keys worth naming on which all agree.
    groups: one row a group: the settings (missing: None), the number of runs in each of STATES, and n, the
    completed runs that count. estimates: indexed by (group, figure), columns as Estimate.
    runs: one row a run: group, path, seed, state, counted, and every figure (NaN: not measured).
    members: the counted records of each group. notes: what a reader must know, a line each.
    """

    settings: list[str]
    constants: dict[str, Any]
    groups: "pd.DataFrame"
    estimates: "pd.DataFrame"
    runs: "pd.DataFrame"
    members: list[list[RunRecord]]
    notes: list[str]

    def name(self, group: int) -> str:
        """The settings of a group in words, such as `activation=relu, architecture.depth=20`."""
        row = self.groups.loc[group]
        words = [f"{key}={row[key]}" for key in self.settings if row[key] is not None]
        return ", ".join(words) or "all runs"


def estimate(values: Iterable[float], geometric: bool = False) -> Estimate:
    """Mean and interval of the values that are not NaN. geometric: of their logarithms; a 0 makes the mean 0."""
    x = [float(value) for value in values if not math.isnan(value)]
    if not x:
        return Estimate(0, math.nan, math.nan, math.nan)
    if geometric:
        if min(x) > 0:
            log = estimate([math.log(value) for value in x])
            return Estimate(log.n, *(_exp(value) for value in log[1:]))
        return Estimate(len(x), 0.0 if math.isfinite(max(x)) else math.nan, min(x), max(x))
    mean = sum(x) / len(x)
    if len(x) == 1 or not math.isfinite(mean):
        return Estimate(len(x), mean, math.nan, math.nan)
    if len(x) == 2:
        return Estimate(2, mean, min(x), max(x))
    from scipy.special import stdtrit  # scipy.stats takes a second to import

    deviation = math.sqrt(sum((value - mean) ** 2 for value in x) / (len(x) - 1))
    half = float(stdtrit(len(x) - 1, (1 + CONFIDENCE) / 2)) * deviation / math.sqrt(len(x))
    return Estimate(len(x), mean, mean - half, mean + half)


def _exp(x: float) -> float:
    # An interval over few seeds can reach beyond the largest float.
    return math.inf if x >= 709 else math.exp(x)  # NaN, where there is no interval, stays NaN


def compare(records: Sequence[RunRecord]) -> Comparison:
    """Groups the runs and estimates FIGURES. Reads the layer tables of runs that have no summary.

    Raises ResultsError if no run can be compared.
    """
    import pandas as pd

    usable = [record for record in records if record.state != "damaged"]
    notes = [f"left out: {record.reason}" for record in records if record.state == "damaged"]
    if not usable:
        raise ResultsError(notes[0] if notes else "no runs to compare; give the folder of a run")

    by_config: dict[str, list[RunRecord]] = {}
    for record in usable:
        by_config.setdefault(canonical(settled(record.config, without=("seed",))), []).append(record)
    settings = tell_apart(
        [group[0].config for group in by_config.values()], [_choices(group) for group in by_config.values()]
    )
    order = sorted(
        zip(settings.values, by_config.values(), strict=True),
        key=lambda pair: [natural_key(value) for value in pair[0].values()],
    )

    group_rows, estimates, run_rows, members = [], {}, [], []
    for number, (values, group) in enumerate(order):
        group = sorted(group, key=lambda record: natural_key(record.seed))
        counted = _one_a_seed(group)
        states = Counter(record.state for record in group)
        completed = sum(record.state == "completed" for record in counted)
        group_rows.append(values | {state: states[state] for state in STATES} | {"n": completed})
        figures = {}
        for record in group:
            figures[record.path], problem = _figures(record)
            notes += [problem] if problem else []
            run = {"group": number, "path": record.path, "seed": record.seed, "state": record.state}
            run_rows.append(run | {"counted": record in counted} | figures[record.path])
        for figure in FIGURES:
            used = [r for r in counted if figure.every_run or r.state == "completed"]
            sample = [figures[record.path][figure.name] for record in used]
            estimates[number, figure.name] = estimate(sample, figure.geometric)
        members.append(counted)

    groups = pd.DataFrame(group_rows, dtype=object)
    groups = groups.astype(dict.fromkeys([*STATES, "n"], int))
    table = pd.DataFrame.from_dict(estimates, orient="index", columns=list(Estimate._fields))
    table.index = pd.MultiIndex.from_tuples(estimates, names=["group", "figure"])
    runs = pd.DataFrame(run_rows)
    comparison = Comparison(settings.names, settings.constants, groups, table, runs, members, notes)
    notes += [note for number in range(len(members)) for note in _duplicates(comparison, number)]
    notes += _mixtures(usable)
    return comparison


def _choices(group: Sequence[RunRecord]) -> dict[str, str]:
    # The same config can be reached by different words (depth=20, or an option that says so): name them all.
    names = {name for record in group for name in record.choices}
    return {name: "|".join(sorted({r.choices[name] for r in group if name in r.choices})) for name in names}


def _one_a_seed(group: Sequence[RunRecord]) -> list[RunRecord]:
    best: dict[Any, RunRecord] = {}
    for record in group:
        key = record.path if record.seed is None else record.seed
        if key not in best or _rank(record) > _rank(best[key]):
            best[key] = record
    return list(best.values())


def _rank(record: RunRecord) -> tuple[bool, str]:
    return record.state == "completed", record.status.started if record.status else ""


def _figures(record: RunRecord) -> tuple[dict[str, float], str]:
    """FIGURES of one run, and what went wrong in getting them."""
    known: dict[str, float] = {}
    problem = ""
    if record.summary is not None:
        known = {figure.name: getattr(record.summary, figure.name) for figure in FIGURES}
    else:
        try:
            known = signal_figures(record.columns("layers"))
        except ResultsError as error:
            problem = str(error)
    return {figure.name: float(known.get(figure.name, math.nan)) for figure in FIGURES}, problem


def _duplicates(comparison: Comparison, group: int) -> list[str]:
    runs = comparison.runs[comparison.runs["group"] == group]
    counts = Counter(seed for seed in runs["seed"] if seed is not None)
    seeds = [f"{seed} ({count} runs)" for seed, count in counts.items() if count > 1]
    if not seeds:
        return []
    return [f"{comparison.name(group)}: seed {', '.join(seeds)} counted once: the latest completed run"]


def _mixtures(records: Sequence[RunRecord]) -> list[str]:
    """One line for each part of the environment in which the runs differ."""
    notes = []
    for what, read in (
        ("code", _code),
        ("torch", lambda e: (e.get("versions") or {}).get("torch")),
        ("device", lambda e: e.get("device")),
    ):
        counts = Counter(str(read(record.environment) or "unknown") for record in records)
        if len(counts) > 1:
            found = ", ".join(f"{value} ({count} runs)" for value, count in counts.most_common())
            notes.append(f"mixed {what}: {found}")
    return notes


def _code(environment: dict[str, Any]) -> str | None:
    code = environment.get("code") or {}
    version = (environment.get("versions") or {}).get("vgp-bench")
    if code.get("commit"):
        return f"{version} {code['commit'][:10]}{' with changes' if code.get('dirty') else ''}"
    return version
