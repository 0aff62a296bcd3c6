"""`vgp-bench compare`: runs side by side."""

import argparse
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Adds the parser to the subparsers of argparse."""
    parser = commands.add_parser("compare", help="a table of runs: what differs, mean and interval over seeds")
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help="folders of runs")
    parser.set_defaults(function=_compare)


def _compare(arguments: argparse.Namespace) -> int:
    from vgp_bench.compare import compare
    from vgp_bench.records.reading import find_runs
    from vgp_bench.report.table import render

    print(render(compare(find_runs(arguments.results))))
    return 0
