"""The command line: which command, and what becomes of its errors. The commands are in vgp_bench/commands."""

import argparse
import difflib
import os
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

from vgp_bench.commands import (
    comparing,
    diagnosing,
    diagnosing_model,
    doctoring,
    listing,
    log,
    plotting,
    probing,
    reporting,
    reproducing,
    running,
    status,
    telling_myths,
)
from vgp_bench.errors import DiskFull, Stopped, UserError
from vgp_bench.version import __version__

COMMANDS = {
    "run": running,
    "list": listing,
    "probe": probing,
    "status": status,
    "log": log,
    "compare": comparing,
    "diagnose": diagnosing,
    "diagnose-model": diagnosing_model,
    "doctor": doctoring,
    "reproduce": reproducing,
    "myths": telling_myths,
    "plot": plotting,
    "report": reporting,
}

EPILOG = """\
examples
  vgp-bench run architecture=mlp architecture.depth=20 activation=sigmoid
  vgp-bench run -m architecture=mlp,residual_mlp activation=sigmoid,relu seed=0,1,2
  vgp-bench list activation
  vgp-bench status results/default
  vgp-bench compare results/default
  vgp-bench diagnose results/default
  vgp-bench plot gradient-depth results/default -o gradient.png
  vgp-bench report results/default -o report.html

`vgp-bench run --help` shows every group and key; `vgp-bench COMMAND --help` the rest.
Tab completion:  eval "$(vgp-bench run -sc install=bash)"
"""


class Parser(argparse.ArgumentParser):
    """argparse, but a mistake is one line that names the help, not a page of usage."""

    def error(self, message: str) -> NoReturn:
        """Raises UserError."""
        wrong = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
        close = difflib.get_close_matches(wrong[1], re.findall(r"[\w-]+", wrong[2]), n=1) if wrong else []
        hint = f" Did you mean {close[0]}?" if close else ""
        raise UserError(f"{message}.{hint} See `{self.prog} --help`")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code: 0 done, 1 a run failed or the disk is full, 2 a mistake in the call, 130
    interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        try:
            return _command(words)
        finally:
            sys.stdout.flush()  # here, where a closed pipe is expected, not at the end of the interpreter
    except UserError as error:
        print(f"vgp-bench: {error}", file=sys.stderr)
        return 1 if isinstance(error, DiskFull) else 2  # the call was right
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Stopped as stop:  # by a signal that asked the run to keep its state and leave
        print("vgp-bench: interrupted", file=sys.stderr)
        return 128 + stop.number
    except KeyboardInterrupt:
        print("vgp-bench: interrupted", file=sys.stderr)
        return 130


def _command(words: list[str]) -> int:
    if words[:1] == ["run"]:
        return running.run(words[1:])  # Hydra reads what follows
    if words[:1] in (["-sc"], ["--shell-completion"]):
        return _complete(words)
    arguments, unknown = _parser().parse_known_args(words)
    if unknown:
        raise UserError(f"{words[0]} has no option {unknown[0]}; see `vgp-bench {words[0]} --help`")
    command: int = arguments.function(arguments)
    return command


def _parser() -> Parser:
    parser = Parser(
        prog="vgp-bench",
        description="See where the learning signal of a deep network dies, why, and which remedy works.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"vgp-bench {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS.values():
        command.add(commands)
    return parser


def _complete(words: Sequence[str]) -> int:
    """Hydra's completion script calls us without the subcommand; it completes what follows `run`."""
    from vgp_bench.composition import compose

    line = os.environ.get("COMP_LINE", "")
    program, _, typed = line.partition(" ")
    if not typed.startswith("run "):
        print(" ".join(name for name in COMMANDS if name.startswith(typed)))
        return 0
    os.environ["COMP_LINE"] = f"{program} {typed.removeprefix('run ')}"
    compose(words)
    return 0
