"""`vgp-bench report`: one page about a comparison."""

import argparse
import importlib.util
import sys
from pathlib import Path
from typing import Any

from vgp_bench.commands.arguments import add_results, add_where
from vgp_bench.commands.output import check
from vgp_bench.errors import UserError

EXAMPLES = """
The page holds the table (to sort and filter), every figure these runs can fill, a view of the gradient along depth with
a slider over training steps, and each run with its config and curves. It needs no network: open it, mail it, print it.

examples
  vgp-bench report results/demo -o report.html
  vgp-bench report results/demo --baseline architecture=mlp -o report.html
  vgp-bench report results/first results/second -o report.html --title "Skips or not"
"""


def add(commands: Any) -> None:
    """Adds the parser to the subparsers of argparse."""
    parser = commands.add_parser(
        "report",
        help="one self-contained HTML page: table, figures, a slider through the training, every run",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_results(parser)
    add_where(parser)
    parser.add_argument(
        "--baseline",
        metavar="KEY=VALUE[,KEY=VALUE]",
        help="the table gives differences to these runs, paired by seed, with interval",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="an .html file")
    parser.add_argument("--title", default="", help="the heading of the page; default: the names of the folders")
    parser.set_defaults(function=_report)


def _report(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    if importlib.util.find_spec("bokeh") is None:
        raise UserError("a report needs the package bokeh: pip install bokeh")
    check(arguments.output)
    from vgp_bench.compare import against, choose, compare
    from vgp_bench.records.reading import find_runs
    from vgp_bench.report.page.build import write_report

    comparison = compare(choose(find_runs(arguments.results), arguments.where), judge=True)
    baseline = against(comparison, arguments.baseline) if arguments.baseline is not None else None
    title = arguments.title or " and ".join(path.resolve().name for path in arguments.results)
    with tqdm(bar_format="{desc}", leave=False, disable=not sys.stderr.isatty()) as bar:
        written = write_report(
            comparison, arguments.output, title, lambda what: bar.set_description_str(f"drawing {what}"), baseline
        )
    print(written)
    return 0
