"""Lines of at most 80 characters, and the figures in them."""

import math
from textwrap import wrap

WIDTH = 80
INDENT = 11
"""Column at which the words of a named line begin."""


def named(name: str, words: str) -> list[str]:
    """The name, then the words; what does not fit goes on below them."""
    return wrapped(f"{name:<{INDENT}}{words}", INDENT)


def wrapped(line: str, indent: int) -> list[str]:
    """As many lines as it takes, those after the first indented by so many spaces."""
    return wrap(line, WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False) if len(line) > WIDTH else [line]


def size(value: float) -> str:
    """To two digits; "-" for NaN."""
    return "-" if math.isnan(value) else f"{value:.1e}"


def percent(share: float) -> str:
    """Without the sign, which stands at the head of the column; small ones to one digit."""
    if math.isnan(share):
        return "-"
    return f"{100 * share:.0f}" if share == 0 or share >= 0.0095 else f"{100 * share:.1g}"
