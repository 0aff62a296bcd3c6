"""`vgp-bench status`: what has become of the runs of a folder."""

import argparse
import sys
import time
from typing import Any

from vgp_bench.commands.arguments import add_results

EVERY = 3.0
"""Seconds between two looks with --watch."""


def add(commands: Any) -> None:
    """Adds the parser to the subparsers of argparse."""
    parser = commands.add_parser(
        "status",
        help="how far a sweep is: counts, running runs, failures with reasons, remaining time",
        description="Reads the folders, from any machine: which runs are done, running, queued, and which failed why.",
    )
    add_results(parser)
    parser.add_argument("--watch", action="store_true", help="look again and again until nothing runs or is queued")
    parser.set_defaults(function=_status)


def _status(arguments: argparse.Namespace) -> int:
    from vgp_bench.overview import overview
    from vgp_bench.overview_text import overview_text

    clear = "\x1b[H\x1b[2J" if sys.stdout.isatty() else ""
    while True:
        found = overview(arguments.results)
        print(f"{clear if arguments.watch else ''}{overview_text(found)}", flush=True)
        if not arguments.watch or not found.is_under_way:
            return 0
        try:
            time.sleep(EVERY)
        except KeyboardInterrupt:
            return 0
        if not clear:
            print()
