"""`vgp-bench plot`: a figure of runs."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vgp_bench.commands.arguments import add_results, add_where
from vgp_bench.commands.output import check
from vgp_bench.errors import UserError

if TYPE_CHECKING:
    from vgp_bench.records.signal import Step

EXAMPLES = """

examples
  vgp-bench plot gradient-depth results/demo -o gradient.png
  vgp-bench plot gradient-depth results/demo --step first,last -o gradient.pdf
  vgp-bench plot gradient-heatmap results/demo --where activation=sigmoid --where depth=20 -o heat.png
"""


def add(commands: Any) -> None:
    """Adds the parser to the subparsers of argparse."""
    from vgp_bench.report.plots.kind import kinds

    known = kinds()
    parser = commands.add_parser(
        "plot",
        help="a figure of runs",
        description="Draws one figure of runs; PNG, SVG or PDF by the name of the file.",
        epilog="kinds\n" + "\n".join(f"  {kind.name:<22} {kind.help}" for kind in known.values()) + EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kind", choices=list(known), metavar="KIND", help="what to draw; the list is below")
    add_results(parser)
    add_where(parser)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="a .png, .svg or .pdf file")
    parser.add_argument(
        "--step",
        default="",
        metavar="STEPS",
        help="logged step to show: first, last or a number; or several: first,100",
    )
    parser.set_defaults(function=_plot)


def _plot(arguments: argparse.Namespace) -> int:
    from vgp_bench.compare import choose, compare
    from vgp_bench.records.reading import find_runs
    from vgp_bench.report.drawing.saving import check_suffix, save
    from vgp_bench.report.plots.kind import kinds
    from vgp_bench.report.series.part import sound

    check_suffix(arguments.output)
    check(arguments.output)
    steps = [_step(word) for word in arguments.step.split(",")] if arguments.step else []
    kind = kinds()[arguments.kind]
    # Figures read the tables themselves: a metric that needs none is enough.
    whole = compare(choose(find_runs(arguments.results), arguments.where), ["parameters"])
    comparison, notes = sound(whole, kind.tables)
    for note in [*whole.notes, *notes]:
        print(note, file=sys.stderr)
    print(save(kind.figure(comparison, steps), arguments.output))
    return 0


def _step(word: str) -> "Step":
    if word in ("first", "last"):
        return "first" if word == "first" else "last"
    if not word.isdecimal():
        raise UserError(f"--step {word}: use first, last or a step number")
    return int(word)
