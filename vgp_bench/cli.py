"""The command line: words to functions, nothing else. Torch is imported only when a run starts."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from vgp_bench import __version__
from vgp_bench.errors import UserError

EPILOG = """\
examples
  vgp-bench run architecture=mlp architecture.depth=20 activation=sigmoid
  vgp-bench run -m architecture=mlp,residual_mlp activation=sigmoid,relu seed=0,1,2
  vgp-bench list activation
  vgp-bench compare results/default
  vgp-bench plot gradient-depth results/default -o gradient.png

`vgp-bench run --help` shows every group and key; `vgp-bench COMMAND --help` the rest.
Tab completion:  eval "$(vgp-bench run -sc install=bash)"
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code: 0 done, 1 a run failed, 2 a mistake in the call, 130 interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        try:
            return _command(words)
        finally:
            sys.stdout.flush()  # here, where a closed pipe is expected, not at the end of the interpreter
    except UserError as error:
        print(f"vgp-bench: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("vgp-bench: interrupted", file=sys.stderr)
        return 130


def _command(words: list[str]) -> int:
    if words[:1] == ["run"]:
        return _run(words[1:])  # Hydra reads what follows
    if words[:1] in (["-sc"], ["--shell-completion"]):
        return _complete(words)
    arguments = _parser().parse_args(words)
    command: int = arguments.function(arguments)
    return command


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vgp-bench",
        description="See where the learning signal of a deep network dies, why, and which remedy works.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"vgp-bench {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    commands.add_parser("run", help="compose a network, train it, record its signal flow (-m: a sweep)", add_help=False)

    listing = commands.add_parser("list", help="what can be composed, and where each part comes from")
    listing.add_argument("group", nargs="?", help="only this group, say activation")
    listing.add_argument("--config-dir", type=Path, help="list this folder of configs of your own too")
    listing.set_defaults(function=_list)

    comparing = commands.add_parser("compare", help="a table of runs: what differs, mean and interval over seeds")
    comparing.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help="folders of runs")
    comparing.set_defaults(function=_compare)

    plotting = commands.add_parser("plot", help="a figure of runs")
    plotting.add_argument("kind", choices=["gradient-depth"], help="gradient-depth: ||dL/dh_l|| against depth")
    plotting.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help="folders of runs")
    plotting.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="a .png, .svg or .pdf file")
    plotting.add_argument("--step", default="first", help="logged step to show: first (default), last or a number")
    plotting.set_defaults(function=_plot)
    return parser


def _run(words: Sequence[str]) -> int:
    from vgp_bench.composition import compose
    from vgp_bench.sweep import Sweep

    sweep = Sweep(command=["vgp-bench", "run", *words])
    if runs := compose(words):
        sweep.run_all(runs)
    if len(runs) == 1 and sweep.finished:
        from vgp_bench.records.reading import read_run
        from vgp_bench.report.signal_flow import signal_flow

        if flow := signal_flow(read_run(sweep.finished[0])):
            print(f"\n{flow}")
    return sweep.exit_code


def _complete(words: Sequence[str]) -> int:
    """Hydra's completion script calls us without the subcommand; it completes what follows `run`."""
    from vgp_bench.composition import compose

    line = os.environ.get("COMP_LINE", "")
    program, _, typed = line.partition(" ")
    if not typed.startswith("run "):
        print(" ".join(c for c in ("run", "list", "compare", "plot") if c.startswith(typed)))
        return 0
    os.environ["COMP_LINE"] = f"{program} {typed.removeprefix('run ')}"
    compose(words)
    return 0


def _list(arguments: argparse.Namespace) -> int:
    from vgp_bench.listing import listing

    print(listing(arguments.group, arguments.config_dir))
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    from vgp_bench.compare import compare
    from vgp_bench.records.reading import find_runs
    from vgp_bench.report.table import render

    print(render(compare(find_runs(arguments.results))))
    return 0


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
