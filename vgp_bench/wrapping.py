"""Lines that a person reads as they come: on a terminal none is wider than it is; in a file each stays whole."""

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
    others to search. A word that is wider than the terminal, such as a path, stays whole.
    """
    stream = stream or sys.stdout
    columns = shutil.get_terminal_size().columns if stream.isatty() else len(line)
    if len(line) > columns:
        line = textwrap.fill(
            line, columns, subsequent_indent=" " * indent, break_on_hyphens=False, break_long_words=False
        )
    return line.replace(_WHOLE, " ")
