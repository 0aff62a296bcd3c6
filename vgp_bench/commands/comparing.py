"""`vgp-bench compare`: runs side by side."""

import argparse
import sys
from pathlib import Path
from typing import Any

from vgp_bench.commands.arguments import add_results, add_where
from vgp_bench.commands.output import check, format_of, write
from vgp_bench.errors import UserError
from vgp_bench.plural import plural

FORMATS = {"table": ".txt", "csv": ".csv", "markdown": ".md", "latex": ".tex", "json": ".json"}

EXAMPLES = """\
examples
  vgp-bench compare results/study
  vgp-bench compare results/study --where dataset=mnist --where depth=20
  vgp-bench compare results/study --rows activation,dataset --columns architecture,depth --values test_accuracy
  vgp-bench compare results/study --baseline architecture=mlp --values test_accuracy,steps_to_0.9
  vgp-bench compare results/study -o table.tex
  vgp-bench compare --diff results/study/0433570b05e5 results/study/0c08890fafcb
"""


class _Help(argparse.Action):
    """--help with the metrics; they are looked up only here, so that other commands need not import them."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(nargs=0, **settings)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from vgp_bench.compare.metrics import METRICS, VERDICT, steps_to

        metrics = [*METRICS.values(), steps_to(0.9)]
        lines = [f"  {VERDICT}: what `vgp-bench diagnose` says of each run, or how many of the group it says it of"]
        lines += [f"  {metric.name}: {metric.definition} [{metric.unit}]" for metric in metrics]
        parser.epilog = "\n".join([EXAMPLES, "metrics", *lines])
        parser.print_help()
        parser.exit()


def add(commands: Any) -> None:
    """Adds the parser to the subparsers of argparse."""
    parser = commands.add_parser(
        "compare",
        help="a table of runs: what differs, mean and interval over seeds",
        description="Groups runs by everything that differs except the seed: n, mean and 95 % interval of each metric.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
    )
    parser.add_argument("-h", "--help", action=_Help, help="show this help and the metrics")
    add_results(parser)
    which = parser.add_argument_group("which runs")
    add_where(which)
    layout = parser.add_argument_group("what the table shows; KEYS as depth,activation or in full")
    layout.add_argument("--rows", metavar="KEYS", default="", help="a row for each of their values")
    layout.add_argument(
        "--columns", metavar="KEYS", default="", help="a column for each; the other differing keys are rows"
    )
    layout.add_argument("--values", metavar="METRICS", help="these metrics, see below")
    layout.add_argument(
        "--reach", metavar="ACCURACY", type=float, help="count the steps to this validation accuracy (default 0.9)"
    )
    layout.add_argument(
        "--baseline", metavar="KEY=VALUE[,KEY=VALUE]", help="differences to these runs, paired by seed, with interval"
    )
    layout.add_argument("--diff", action="store_true", help="two runs: which keys differ, and where the curves part")
    output = parser.add_argument_group("where it goes")
    output.add_argument("--format", choices=list(FORMATS), help="as the suffix of FILE says, else table")
    output.add_argument("-o", "--output", type=Path, metavar="FILE", help=f"{', '.join(FORMATS.values())}")
    parser.set_defaults(function=_compare)


def _compare(arguments: argparse.Namespace) -> int:
    form = arguments.format or format_of(arguments.output, FORMATS)
    check(arguments.output)
    text, notes = (_difference(arguments), []) if arguments.diff else _table(arguments, form)
    write(arguments.output, text)
    if form == "csv":  # the other formats have a place for them
        print("\n".join(notes), file=sys.stderr, end="\n" if notes else "")
    return 0


def _table(arguments: argparse.Namespace, form: str) -> tuple[str, list[str]]:
    from vgp_bench.compare import against, choose, compare, pivot
    from vgp_bench.compare.keys import split_words
    from vgp_bench.records.reading import find_runs
    from vgp_bench.report.tables import exporting

    found = find_runs(arguments.results)
    runs = choose(found, arguments.where)
    values = split_words(arguments.values) if arguments.values is not None else None
    comparison = compare(runs, values or None, arguments.reach)
    if arguments.where:
        comparison.notes.insert(0, f"only {' and '.join(arguments.where)}: {len(runs)} of {plural(len(found), 'run')}")
    rows, columns = split_words(arguments.rows), split_words(arguments.columns)
    layout = pivot(comparison, rows, columns) if rows or columns else None
    baseline = against(comparison, arguments.baseline) if arguments.baseline is not None else None
    text = exporting.WRITERS[form](comparison, baseline, layout, arguments.output is not None)
    return text, comparison.notes


def _difference(arguments: argparse.Namespace) -> str:
    from vgp_bench.compare.difference import difference
    from vgp_bench.records.reading import read_run
    from vgp_bench.report.tables.difference import render_difference

    if len(arguments.results) != 2:
        raise UserError(f"--diff compares two runs, not {len(arguments.results)}; name the folders of two")
    others = (arguments.where, arguments.rows, arguments.columns, arguments.values, arguments.baseline, arguments.reach)
    if any(others) or arguments.format not in (None, "table") or format_of(arguments.output, FORMATS) != "table":
        raise UserError("--diff takes two runs and nothing else but -o FILE.txt; leave the other options out")
    a, b = (read_run(path) for path in arguments.results)
    return render_difference(difference(a, b), (str(a.path), str(b.path)))
