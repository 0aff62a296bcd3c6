"""`vgp-bench diagnose`: what is wrong with runs, since when, and what to change."""

import argparse
import sys
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vgp_bench.commands.arguments import add_results, add_where
from vgp_bench.commands.output import check, format_of, write
from vgp_bench.errors import UserError

if TYPE_CHECKING:
    from vgp_bench.compare.diagnoses import Diagnoses
    from vgp_bench.records.reading import RunRecord

FORMATS = {"table": ".txt", "csv": ".csv", "json": ".json"}

EXAMPLES = """\
One run: the verdict with its evidence, what became of the training, what to change. Several: a paragraph each, sorted
as `compare` sorts, and counts. A verdict needs a symptom and its harm: what does no harm is a note. The verdicts and
their thresholds are in docs/diagnosis.md.

examples
  vgp-bench diagnose results/default/13f39e531742
  vgp-bench diagnose results/study --where depth=20
  vgp-bench diagnose results/study --step 50               as it looked after step 50
  vgp-bench diagnose results/study --rules all             and what other tools' rules say
  vgp-bench diagnose results/study --rules ours,sagemaker -o verdicts.csv
"""

MOST_NAMES = 5
"""Runs whose record ends before --step are named, if there are no more of them."""
SIGN_OF_LIFE = 1.0
"""Seconds of work after which a terminal shows a bar."""


def add(commands: Any) -> None:
    """Adds the parser to the subparsers of argparse."""
    parser = commands.add_parser(
        "diagnose",
        help="what is wrong with runs: one verdict each, with evidence, and what to change",
        description="Judges each run by its records: what is wrong, where, since when, how sure, and what to change.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_results(parser)
    add_where(parser)
    parser.add_argument("--step", type=int, metavar="N", help="judge what was on record after step N")
    parser.add_argument(
        "--rules",
        default="",
        metavar="NAMES",
        help="whose rules, several with commas: ours (default), autotrainer, deepdiagnosis, sagemaker, deepchecker, "
        "articles, all",
    )
    parser.add_argument("--format", choices=list(FORMATS), help="as the suffix of FILE says, else table")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=", ".join(FORMATS.values()))
    parser.set_defaults(function=_diagnose)


def _diagnose(arguments: argparse.Namespace) -> int:
    form = arguments.format or format_of(arguments.output, FORMATS)
    check(arguments.output)
    if arguments.step is not None and arguments.step < 0:
        raise UserError(f"--step {arguments.step}: steps are counted from 0")
    from vgp_bench.compare.diagnoses import diagnose_runs
    from vgp_bench.compare.keys import split_words
    from vgp_bench.compare.selection import choose
    from vgp_bench.diagnosis.rule_sets import OURS, find_rules
    from vgp_bench.records.reading import find_runs
    from vgp_bench.report.tables.diagnoses import render_diagnoses
    from vgp_bench.report.tables.export_diagnoses import diagnoses_to_csv, diagnoses_to_json

    rules = find_rules(split_words(arguments.rules) or [OURS])
    with _telling("reading"):
        runs = choose(find_runs(arguments.results), arguments.where)
    found = diagnose_runs(runs, rules, arguments.step, _told)
    writers = {"table": render_diagnoses, "csv": diagnoses_to_csv, "json": diagnoses_to_json}
    write(arguments.output, writers[form](found))
    if form == "csv":  # the other formats have a place for them
        print("\n".join(found.damaged), file=sys.stderr, end="\n" if found.damaged else "")
    if arguments.step is not None:
        _tell_ended({record.path: record for record in runs}, found, arguments.step)
    return 0


def _tell_ended(records: Mapping[Path, "RunRecord"], found: "Diagnoses", step: int) -> None:
    """Which runs were judged earlier than asked for, there being nothing later on record."""
    ended = [e.run for e in found.entries if e.run.diagnosis and _last_step(records[e.run.path], step) < step]
    if not ended:
        return
    if len(found.entries) == 1:
        last = ended[0].diagnosis.seen if ended[0].diagnosis else -1
        words = f"the record ends at step {last}, and is judged there" if last >= 0 else "no step is on record"
    else:
        names = [run.path.name for run in ended[:MOST_NAMES]] + (["..."] if len(ended) > MOST_NAMES else [])
        words = f"{len(ended)} of {len(found.entries)} records end before it, and are judged there: {', '.join(names)}"
    print(f"--step {step}: {words}", file=sys.stderr)


def _last_step(record: "RunRecord", step: int) -> int:
    """The last step on record; the table is read for it only where the summary does not say that it is late enough."""
    if record.summary is not None and record.summary.steps > step:
        return record.summary.steps - 1
    steps = record.columns("steps")["step"]
    return int(steps[-1]) if len(steps) else -1


def _telling(what: str) -> AbstractContextManager[object]:
    """A line at the terminal that stands there as long as this takes."""
    from tqdm import tqdm

    return tqdm(bar_format="{desc}", desc=f"{what} ...", leave=False, disable=None)


def _told(records: Iterable["RunRecord"]) -> Iterable["RunRecord"]:
    from tqdm import tqdm

    return tqdm(records, desc="judging", unit="run", delay=SIGN_OF_LIFE, leave=False, disable=None)
