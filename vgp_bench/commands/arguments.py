"""Arguments that several commands take."""

import argparse
from pathlib import Path
from typing import Any


def add_results(parser: argparse.ArgumentParser) -> None:
    """The folders of runs."""
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help="folders of runs")


def add_where(parser: Any) -> None:
    """Which of the runs; parser: a parser, or a group of one."""
    parser.add_argument(
        "--where", action="append", default=[], metavar="KEY=VALUE[,VALUE]", help="only these; repeat it for more keys"
    )
