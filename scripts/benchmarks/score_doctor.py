"""How often the remedies that a verdict names repair a network, and how often the winner of `vgp-bench doctor` does.

The networks are the faulty ones of diagnosis_set that a change of words can mend: not those whose inputs tell nothing,
nor those whose fault is put in by a part made for the set. A remedy repairs if the verdict is healthy with it and the
validation data are answered clearly better (vgp_bench/doctor/scoring.py).
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from diagnosis_set.cases import Labelled, read_cases

from benchmarks.calling import leave, output, whole
from benchmarks.score_forecast import wilson
from vgp_bench.composition import compose
from vgp_bench.diagnosis.finding import Diagnosis
from vgp_bench.doctor.changes import Change, change
from vgp_bench.doctor.flow import statistic_of
from vgp_bench.doctor.ranking import ranked, winner
from vgp_bench.doctor.scoring import repairs, way
from vgp_bench.doctor.search import Budget, Search
from vgp_bench.doctor.trying import Attempt, Result, Trials
from vgp_bench.errors import ConfigError, ResultsError, UserError
from vgp_bench.records.environment import describe_environment
from vgp_bench.report.output_file import write_text

HOUSE = Path(__file__).resolve().parents[2]
CASES = "scripts/diagnosis_set/cases"
UNMENDABLE = (
    *("dataset.inputs=", "dataset.unrelated="),
    *("optimizer=meddling", "initializer=edited", "schedule=jump", "architecture=narrow"),
)
REMEDIES = 3


@dataclass(frozen=True)
class Score:
    """One network: the verdict, the remedies in their order and whether each repairs, and the winner, "" for none.
    won: None if nothing was searched."""

    case: Labelled
    verdict: str
    remedies: tuple[str, ...]
    repaired: tuple[bool, ...]
    winner: str = ""
    won: bool | None = None

    @property
    def best(self) -> bool:
        return any(self.repaired[:REMEDIES])


def chosen(only: Sequence[str], data_dir: Path) -> list[Labelled]:
    """The networks: what names ask for, and what there are data for."""
    there = (data_dir / "MNIST" / "raw").is_dir()
    return [
        case
        for case in read_cases()
        if case.kind == "faulty"
        and not any(word.startswith(UNMENDABLE) for word in case.words)
        and (there or case.data != "mnist")
        and (not only or case.name.startswith(tuple(only)))
    ]


def score(case: Labelled, budget: Budget, seeds: int, results: Path, data_dir: Path) -> Score | None:
    """None if the network is not ill in so few steps."""
    words = [word for word in case.words if not word.startswith(("trainer.max_steps", "experiment_name", "monitor."))]
    words += [f"results_dir={results}", f"data_dir={data_dir}", f"experiment_name={case.name.replace('/', '.')}"]
    base = Change((), tuple(words), compose(words)[0])
    with Trials(case.name.replace("/", "."), ["scripts/score_doctor", case.name], visible=False) as trials:
        search = Search(base, budget, trials)
        diagnosis = search.examine()
        if diagnosis.verdict in ("healthy", "undecided"):
            return None
        offered = [remedy.overrides for remedy in diagnosis.remedies if remedy.overrides]
        made = [one for overrides in offered if (one := change(base, overrides)) is not None][:REMEDIES]
        before = _all_seeds(trials, base, budget.steps, seeds)
        repaired = tuple(repairs(_all_seeds(trials, one, budget.steps, seeds), before) for one in made)
        found = Score(case, diagnosis.label, tuple(one.name for one in made), repaired)
        _tell(found, trials, made, budget.steps)
        return _searched(found, search, diagnosis) if budget.runs else found


def _searched(found: Score, search: Search, diagnosis: Diagnosis) -> Score:
    search.treat()
    best = winner(ranked(list(search.found.values()), search.before, statistic_of(diagnosis)))
    name = best.change.name if best is not None else ""
    return Score(found.case, found.verdict, found.remedies, found.repaired, name, best is not None)


def _all_seeds(trials: Trials, one: Change, steps: int, seeds: int) -> list[Result]:
    return trials.run([Attempt(one, steps, seed) for seed in range(seeds)], "")


def _tell(found: Score, trials: Trials, made: Sequence[Change], steps: int) -> None:
    """On stderr, for whoever looks into why a remedy does not help."""
    print(f"{found.case.name}: {found.verdict}", file=sys.stderr)
    for one, good in zip(made, found.repaired, strict=True):
        result = trials.results.get(Attempt(one, steps, 0))
        label = result.diagnosis.label if result is not None and result.diagnosis is not None else "no result"
        learned = f"{way(result.record):.2f}" if result is not None else "-"
        print(f"    {'+' if good else '-'} {one.name}: {label}, {learned}", file=sys.stderr, flush=True)


def text(scores: Sequence[Score], healthy: Sequence[str], preface: Sequence[str]) -> str:
    """The shares, by family and together, then every network."""
    families = sorted({score.case.family for score in scores})
    rows = [("all", list(scores)), *((name, [s for s in scores if s.case.family == name]) for name in families)]
    lines = ["# Remedies, scored", "", *preface, ""]
    lines += [
        "| networks | first remedy repairs | one of the first three | winner of the doctor |",
        "|---|---|---|---|",
    ]
    for name, some in rows:
        first, three = [bool(s.repaired[:1] == (True,)) for s in some], [s.best for s in some]
        won = [s.won for s in some if s.won is not None]
        lines.append(f"| {name} | {_share(first)} | {_share(three)} | {_share(won)} |")
    lines += ["", "| network | verdict | remedies: + repairs, - does not | winner |", "|---|---|---|---|"]
    for s in scores:
        tried = "; ".join(f"{'+' if good else '-'} {name}" for name, good in zip(s.remedies, s.repaired, strict=True))
        lines.append(f"| {s.case.name} | {s.verdict} | {tried} | {s.winner or ('-' if s.won is None else 'none')} |")
    lines += ["", f"Not ill in so few steps, left out: {', '.join(healthy) or 'none'}."]
    return "\n".join(lines) + "\n"


def _share(hits: Sequence[bool]) -> str:
    if not hits:
        return "-"
    low, high = wilson(sum(hits), len(hits))
    return f"{sum(hits)}/{len(hits)} = {100 * sum(hits) / len(hits):.0f} % [{100 * low:.0f}, {100 * high:.0f}]"


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/score_doctor", description=__doc__)
    parser.add_argument("--results", type=Path, default=HOUSE / "results" / "doctor_set", help="where the runs lie")
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("VGP_DATA_DIR", "data")))
    parser.add_argument("--steps", type=whole(20), default=150)
    parser.add_argument("--seeds", type=whole(1), default=2, help="of each remedy")
    parser.add_argument("--max-runs", type=whole(0), default=12, help="of each search; 0: none")
    parser.add_argument("--only", nargs="*", default=[], help="networks whose names begin so: cnn/ or mlp/sigmoid, say")
    parser.add_argument("--out", type=output, help="also write the tables to this file")
    arguments = parser.parse_args()
    began, scores, healthy = time.perf_counter(), [], []
    cases = chosen(arguments.only, arguments.data_dir)
    if not cases:
        raise UserError(f"--only {' '.join(arguments.only)}: no network of that name; they stand in {CASES}")
    for case in cases:
        budget = Budget(arguments.steps, 60.0, arguments.max_runs)
        try:
            found = score(case, budget, arguments.seeds, arguments.results, arguments.data_dir)
        except (ConfigError, ResultsError) as error:
            print(f"{case.name}: {error}", file=sys.stderr)
            continue
        if found is None:
            healthy.append(case.name)
        else:
            scores.append(found)
    here = describe_environment("cpu", [])
    preface = [
        f"{datetime.now(UTC):%Y-%m-%d}, {here['cpu']}, torch {here['versions']['torch']}, vgp_bench "
        f"{str(here['code']['commit'])[:12]}; {time.perf_counter() - began:.0f} s. {arguments.steps} steps, "
        f"{arguments.seeds} seeds of each remedy, {arguments.max_runs} runs a search. Intervals: Wilson, 95 %.",
        "",
        __doc__.partition("\n\n")[2].strip().replace("\n", " "),
    ]
    found = text(scores, healthy, preface)
    print(found)
    if arguments.out is not None:
        write_text(arguments.out, found)
    return 0


if __name__ == "__main__":
    leave("scripts/score_doctor", main)
