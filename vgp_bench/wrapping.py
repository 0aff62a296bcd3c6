"""Lines that a person reads as they come: on a terminal none is wider than it is; in a file each stays whole."""

import os
import shutil
import sys
import textwrap
from typing import TextIO

_WHOLE = "\N{NO-BREAK SPACE}"


def whole(words: str) -> str:
    """The words, say a command to copy, marked so that `fitted` does not part them."""
    return words.replace(" ", _WHOLE)


def fitted(line: str, indent: int = 2, stream: TextIO | None = None) -> str:
    """The line as wide as the terminal is, folded between words, what follows indented by so many spaces.

    stream: where it will be written, standard output if not given. If that is no terminal the line stays one, for
    others to search. A word that is wider than the terminal, such as a path, stays whole. Words of several lines, such
    as a reason may be, keep them: each is folded apart.
    """
    stream = stream or sys.stdout
    if stream.isatty():
        columns = _columns(stream)
        line = "\n".join(_folded(part, columns, indent) for part in line.splitlines())
    return line.replace(_WHOLE, " ")


def _folded(line: str, columns: int, indent: int) -> str:
    if len(line) <= columns:
        return line
    return textwrap.fill(line, columns, subsequent_indent=" " * indent, break_on_hyphens=False, break_long_words=False)


def _columns(stream: TextIO) -> int:
    """Characters a line of this terminal: standard output and error may be two, or one of them a file."""
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):  # one that only passes on to the terminal, as in a notebook, has no number
        columns = 0
    return columns or shutil.get_terminal_size().columns  # a terminal that does not know its size says 0
