"""How often the remedies that a verdict names repair a network, and how often the winner of `vgp-bench doctor` does.

The networks are the faulty ones of diagnosis_set that a change of words can mend: not those whose inputs tell nothing,
nor those whose fault is put in by a part made for the set. A remedy repairs if the verdict is healthy with it and the
validation data are answered clearly better (vgp_bench/doctor/scoring.py): by a tenth of the way from chance (0) to
perfection (1), which stands behind each remedy. Better is meant beside the network as it is; of one that is worse than
chance the row `all, above chance` asks for a tenth of the way from there. Of the adding problem the way is that of
answers within a tolerance, which a loss far below chance may still not show.
"""

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from diagnosis_set.cases import Labelled, read_cases

from benchmarks.calling import leave, output, whole
from benchmarks.remedy_table import HOW_LONG, REMEDIES, TUNED, Score, text
from vgp_bench.compare.estimates import estimate
from vgp_bench.composition import compose
from vgp_bench.config import ComposedRun
from vgp_bench.diagnosis.finding import Diagnosis
from vgp_bench.doctor.changes import Change, change
from vgp_bench.doctor.flow import statistic_of
from vgp_bench.doctor.lengths import SLOW, is_slow
from vgp_bench.doctor.ranking import ranked, winner
from vgp_bench.doctor.scoring import repairs, way
from vgp_bench.doctor.search import Budget, Search
from vgp_bench.doctor.trying import Attempt, Result, Trials
from vgp_bench.errors import ConfigError, ResultsError, UserError
from vgp_bench.plural import plural
from vgp_bench.records.environment import describe_environment
from vgp_bench.report.output_file import write_text

HOUSE = Path(__file__).resolve().parents[2]
CASES = "scripts/diagnosis_set/cases"
UNMENDABLE = (
    *("dataset.inputs=", "dataset.unrelated="),
    *("optimizer=meddling", "initializer=edited", "schedule=jump", "architecture=narrow"),
)


@dataclass(frozen=True)
class Lengths:
    """Steps of a trial: of quick networks and of slow ones, see vgp_bench/doctor/lengths.py."""

    quick: int
    slow: int

    def of(self, composed: ComposedRun) -> int:
        return self.slow if is_slow(composed) else self.quick


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


def score(case: Labelled, lengths: Lengths, runs: int, seeds: int, results: Path, data_dir: Path) -> Score | None:
    """None if the network is not ill after so many steps. runs: most of a search; 0: nothing is searched."""
    words = [word for word in case.words if not word.startswith(("trainer.max_steps", "experiment_name", "monitor."))]
    words += [f"results_dir={results}", f"data_dir={data_dir}", f"experiment_name={case.name.replace('/', '.')}"]
    base = Change((), tuple(words), compose(words)[0])
    budget = Budget(lengths.of(base.composed), 60.0, runs)
    with Trials(case.name.replace("/", "."), ["scripts/score_doctor", case.name], visible=False) as trials:
        search = Search(base, budget, trials)
        diagnosis = search.examine()
        if diagnosis.verdict in ("healthy", "undecided"):
            return None
        offered = [remedy.overrides for remedy in diagnosis.remedies if remedy.overrides]
        made = [one for overrides in offered if (one := change(base, overrides)) is not None][:REMEDIES]
        before = _all_seeds(trials, base, budget.steps, seeds)
        after = [_all_seeds(trials, one, budget.steps, seeds) for one in made]
        repaired = tuple(repairs(results, before) for results in after)
        learned = tuple(estimate(way(result.record) for result in results).mean for results in after)
        found = Score(case, diagnosis.label, budget.steps, tuple(one.name for one in made), repaired, learned)
        _tell(found, trials, made, budget.steps)
        return _searched(found, search, diagnosis) if budget.runs else found


def _searched(found: Score, search: Search, diagnosis: Diagnosis) -> Score:
    search.treat()
    best = winner(ranked(list(search.found.values()), search.before, statistic_of(diagnosis)))
    name = best.change.name if best is not None else ""
    return replace(found, winner=name, won=best is not None)


def _all_seeds(trials: Trials, one: Change, steps: int, seeds: int) -> list[Result]:
    return trials.run([Attempt(one, steps, seed) for seed in range(seeds)], "")


def _tell(found: Score, trials: Trials, made: Sequence[Change], steps: int) -> None:
    """On stderr, for whoever looks into why a remedy does not help."""
    print(f"{found.case.name}: {found.verdict}", file=sys.stderr)
    for one, good, far in zip(made, found.repaired, found.learned, strict=True):
        result = trials.results.get(Attempt(one, steps, 0))
        label = result.diagnosis.label if result is not None and result.diagnosis is not None else "no result"
        print(f"    {'+' if good else '-'} {one.name}: {label}, {far:.2f}", file=sys.stderr, flush=True)


def _code(code: Mapping[str, object]) -> str:
    return str(code["commit"])[:12] + (" with changes on top" if code["dirty"] else "")


def _command(arguments: argparse.Namespace) -> str:
    only = f" --only {' '.join(arguments.only)}" if arguments.only else ""
    return (
        f"scripts/score_doctor --steps {arguments.steps} --slow-steps {arguments.slow_steps} --seeds {arguments.seeds} "
        f"--max-runs {arguments.max_runs}{only}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/score_doctor", description=__doc__)
    parser.add_argument("--results", type=Path, default=HOUSE / "results" / "doctor_set", help="where the runs lie")
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("VGP_DATA_DIR", "data")))
    parser.add_argument("--steps", type=whole(20), default=150, help="of a network without a memory to learn")
    parser.add_argument("--slow-steps", type=whole(20), default=SLOW, help="of recurrent networks and on sequences")
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
        lengths = Lengths(arguments.steps, arguments.slow_steps)
        try:
            found = score(case, lengths, arguments.max_runs, arguments.seeds, arguments.results, arguments.data_dir)
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
        f"{_code(here['code'])}; {time.perf_counter() - began:.0f} s without the runs on disk already. Command: "
        f"`{_command(arguments)}`: {arguments.steps} steps, {arguments.slow_steps} of recurrent networks and on "
        f"sequences, {plural(arguments.seeds, 'seed')} of each remedy, {arguments.max_runs} runs a search. Intervals: "
        "Wilson, 95 %.",
        "",
        HOW_LONG,
        "",
        TUNED,
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
