"""`vgp-bench list`: what can be composed."""

import argparse
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Adds the parser to the subparsers of argparse."""
    parser = commands.add_parser("list", help="what can be composed, and where each part comes from")
    parser.add_argument("group", nargs="?", help="only this group, or an option and its keys: launcher=slurm")
    parser.add_argument("--config-dir", type=Path, help="list this folder of configs of your own too")
    parser.set_defaults(function=_list)


def _list(arguments: argparse.Namespace) -> int:
    from vgp_bench.listing import listing

    print(listing(arguments.group, arguments.config_dir))
    return 0
