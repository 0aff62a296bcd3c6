"""`vgp-bench myths`: what popular articles say, and what is so."""

import argparse
from typing import Any

DESCRIPTION = """\
Sentences that popular articles repeat, each with the answer of a paper or a formula, and with what the claim that shows
it has measured on this machine, once `vgp-bench reproduce` has run it.
"""


def add(commands: Any) -> None:
    """Adds the parser to the subparsers of argparse."""
    parser = commands.add_parser(
        "myths", help="what popular articles get wrong, beside what was measured", description=DESCRIPTION
    )
    parser.add_argument("--results-dir", metavar="DIR", default="results", help="where runs lie (default results)")
    parser.set_defaults(function=_myths)


def _myths(arguments: argparse.Namespace) -> int:
    from vgp_bench.claims.kept_verdicts import kept
    from vgp_bench.claims.myths import myths, text

    print(text(myths(), kept(arguments.results_dir)))
    return 0
