"""`vgp-bench probe`: what a network is like before its training, and whether it will train."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vgp_bench.commands.output import check
from vgp_bench.commands.run_words import add_words, reread
from vgp_bench.errors import ConfigError, UserError

if TYPE_CHECKING:
    from vgp_bench.config import ComposedRun

DESCRIPTION = """\
Looks at a network before its training, in seconds: one forward and backward pass of a fixed probe set, and the first 10
steps of the run, kept in memory. Nothing is written.

It shows signal and gradient by depth, the decay per layer beside the one theory predicts, the singular values of the
input-output Jacobian, how many layers learn, the gradient through time of recurrent nets, and a checklist in which each
rule of thumb is measured on this network. It ends with a forecast: trainable or not as it stands, and why.
"""

EXAMPLES = """\
examples
  vgp-bench probe architecture.depth=20 activation=sigmoid
  vgp-bench probe architecture.depth=20 activation=sigmoid normalizer=batch      which remedy works?
  vgp-bench probe architecture=lstm dataset=adding dataset.length=200            gradient through time
  vgp-bench probe architecture.depth=30 activation=tanh --steps 50 -o reach.png  before, and after 50 steps
  vgp-bench probe activation=tanh --depths 5,10,20,50,100 -o decay.png           how the decay grows with depth

columns
  reach      change of an output for a change of h by its own size; healthy .1 to 1000, below .001 nothing is learned
  ||dL/dh||  mean over inputs        std of h  over inputs and units
  input%     share of h that depends on the input        dead%  units that are 0 on every probe input
  flat%      activations whose slope is below 5 % of the greatest

The words are those of `vgp-bench run`; `vgp-bench run --help` shows every group and key.
"""


def add(commands: Any) -> None:
    """Adds the parser to the subparsers of argparse."""
    parser = commands.add_parser(
        "probe",
        help="a network before its training: signal by depth, checklist, forecast",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="vgp-bench probe [GROUP=OPTION ...] [KEY=VALUE ...] [--steps K | --depths N,N,...] [-o FILE]",
    )
    _add_options(parser)
    add_words(parser)
    parser.set_defaults(function=_probe)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--steps", default="0", metavar="K", help="look again after so many steps of training")
    parser.add_argument("--depths", default="", metavar="N,N,...", help="the same network at these depths, as a table")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="also draw it: a .png, .svg or .pdf file")
    parser.add_argument("--config-dir", metavar="DIR", help="a folder of configs of your own")


def _probe(arguments: argparse.Namespace) -> int:
    arguments = reread(arguments, "vgp-bench probe", _add_options)
    if arguments.help:
        print(f"{DESCRIPTION}\n{EXAMPLES}", end="")
        return 0
    steps, depths = _whole(arguments.steps, "--steps"), _depths(arguments.depths)
    if steps and depths:
        raise UserError("--steps and --depths: a sweep of depths is not trained; leave one of them out")
    if arguments.output is not None:
        from vgp_bench.report.drawing.saving import check_suffix

        check_suffix(arguments.output)
        check(arguments.output)
    composed = _composed(arguments.words, arguments.config_dir)
    if depths:
        return _sweep(composed, depths, arguments.output)
    return _single(composed, steps, arguments.output)


def _composed(words: Sequence[str], config_dir: str | None) -> "ComposedRun":
    """The one run of these words. Raises ConfigError for a sweep."""
    from vgp_bench.composition import compose

    runs = compose([*(["--config-dir", config_dir] if config_dir else []), *words])
    if len(runs) != 1:
        raise ConfigError(f"these words compose {len(runs)} runs, and probe looks at one; name one value a key")
    return runs[0]


def _single(composed: "ComposedRun", steps: int, output: Path | None) -> int:
    from vgp_bench.probe.measuring import measure
    from vgp_bench.probe.text import text

    found = measure(composed, steps)
    print(text(found))
    if output is not None:
        from vgp_bench.probe.figures import reach_by_depth
        from vgp_bench.report.drawing.saving import save

        later = [found.later] if found.later is not None else []
        print(save(reach_by_depth([found.start.look, *later]), output))
    return 0


def _sweep(composed: "ComposedRun", depths: Sequence[int], output: Path | None) -> int:
    from vgp_bench.probe.depths import at_depths, depth_key, depth_text

    key = depth_key(composed)
    found, refused = at_depths(composed, depths)
    print(depth_text(found, refused, key))
    if output is not None:
        from vgp_bench.probe.figures import decay_against_depth
        from vgp_bench.report.drawing.saving import save

        print(save(decay_against_depth(found, key, refused), output))
    return 0


def _depths(word: str) -> list[int]:
    depths = [_whole(part, "--depths") for part in word.split(",")] if word else []
    if 0 in depths:
        raise UserError(f"--depths {word}: whole numbers above 0 with commas between them, say 5,10,20")
    return sorted(set(depths))


def _whole(word: str, option: str) -> int:
    if not word.isdecimal():
        example = "5,10,20" if option == "--depths" else "50"
        raise UserError(f"{option} {word}: write whole numbers, say {option} {example}")
    return int(word)
