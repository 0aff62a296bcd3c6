"""`vgp-bench log`: what a run said at last."""

import argparse
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Adds the parser to the subparsers of argparse."""
    parser = commands.add_parser(
        "log",
        help="the state of a run, the end of its log, its traceback",
        description="What became of a run, the end of what it printed where it ran, and the traceback if it failed.",
    )
    parser.add_argument("run", metavar="RUN", help="the folder of a run, or the first digits of its id")
    parser.add_argument("--results", type=Path, default=Path("results"), help="where to look for an id")
    parser.add_argument("-n", "--lines", type=int, default=40, help="lines of the log (default 40)")
    parser.set_defaults(function=_log)


def _log(arguments: argparse.Namespace) -> int:
    from vgp_bench.run_log import find_run, log_text

    print(log_text(find_run(arguments.run, arguments.results), arguments.lines))
    return 0
