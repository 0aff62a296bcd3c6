"""`vgp-bench plot`: a figure of runs."""

import argparse
from pathlib import Path
from typing import Any

from vgp_bench.errors import UserError


def add(commands: Any) -> None:
    """Adds the parser to the subparsers of argparse."""
    parser = commands.add_parser("plot", help="a figure of runs")
    parser.add_argument("kind", choices=["gradient-depth"], help="gradient-depth: ||dL/dh_l|| against depth")
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help="folders of runs")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="a .png, .svg or .pdf file")
    parser.add_argument("--step", default="first", help="logged step to show: first (default), last or a number")
    parser.set_defaults(function=_plot)


def _plot(arguments: argparse.Namespace) -> int:
    from vgp_bench.records.reading import find_runs
    from vgp_bench.report.figures import gradient_by_depth

    step = arguments.step if arguments.step in ("first", "last") else _step_number(arguments.step)
    gradient_by_depth(find_runs(arguments.results), arguments.output, step)
    print(arguments.output)
    return 0


def _step_number(word: str) -> int:
    if not word.isdecimal():
        raise UserError(f"--step {word}: use first, last or a step number")
    return int(word)
