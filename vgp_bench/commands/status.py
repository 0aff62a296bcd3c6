"""`vgp-bench status`: what has become of the runs of a folder."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
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

    if not arguments.watch:
        print(overview_text(overview(arguments.results)))
        return 0
    try:
        _watch(arguments.results)
    except KeyboardInterrupt:
        if sys.stdout.isatty():
            print()  # the terminal has written ^C
    return 0


def _watch(results: Sequence[Path]) -> None:
    """Shows the same again and again, on a terminal in place; in the end, when nothing is under way, all of it."""
    from vgp_bench.overview import overview
    from vgp_bench.overview_text import overview_text, screen_text

    in_place = sys.stdout.isatty()
    clear = "\x1b[H\x1b[2J" if in_place else ""
    while (found := overview(results)).is_under_way:
        print(f"{clear}{screen_text(found)}" if in_place else f"{overview_text(found)}\n", flush=True)
        time.sleep(EVERY)
    print(f"{clear}{overview_text(found)}")
