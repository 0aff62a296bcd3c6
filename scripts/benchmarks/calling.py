"""How a script is called: what cannot be is told before minutes of work, and a mistake is one line without a trace."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from vgp_bench.errors import ResultsError, UserError
from vgp_bench.report.output_file import check_output


def leave(prog: str, main: Callable[[], int | None]) -> NoReturn:
    """Runs it and ends the process: 2 after a mistake in the call, 130 after Ctrl-C."""
    try:
        sys.exit(main())
    except UserError as error:
        print(f"{prog}: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print(f"{prog}: interrupted", file=sys.stderr)
        sys.exit(130)


def whole(least: int) -> Callable[[str], int]:
    """The type of an argument of argparse: a whole number, not below this one."""

    def read(word: str) -> int:
        if not word.isdecimal() or int(word) < least:
            raise argparse.ArgumentTypeError(f"{word}: write a whole number, {least} or more")
        return int(word)

    return read


def output(word: str) -> Path:
    """The type of an argument of argparse: a file that can be written, with the folders above it."""
    try:
        check_output(word)
    except ResultsError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return Path(word)


def empty_folder(word: str) -> Path:
    """The type of an argument of argparse: a folder that holds nothing yet, or is not there."""
    folder = Path(word)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise argparse.ArgumentTypeError(f"{word}: is there already and not an empty folder; name another one")
    return folder
