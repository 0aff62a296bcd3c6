"""The parts that figures are drawn with: colours that colour-blind readers can tell apart, lines, markers, letters."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from vgp_bench.compare import Comparison

# Okabe and Ito 2008 (Color universal design), the darkest first; their yellow is too pale for a line on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
LINES = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))
MARKERS = ("o", "s", "^", "D", "x", "P", "v", "*")

TEXT: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}
"""Sizes for a figure of FULL_WIDTH printed as it is."""

GREY = "0.35"
ZERO: Any = 7
NONFINITE: Any = 6
"""Matplotlib's carets: down and up, for values beyond the lower and the upper edge."""

FULL_WIDTH = 6.7
"""Width of a text column on A4 and letter paper, in inches."""


class Look(NamedTuple):
    """What one line looks like."""

    colour: str = COLOURS[0]
    line: Any = LINES[0]
    marker: str = MARKERS[0]


def dashes(line: Any) -> list[float]:
    """A line style of matplotlib as lengths of dash and gap in widths of the line; empty for a solid one."""
    return [] if line == "-" else [float(length) for length in line[1]]


def words(comparison: Comparison, group: int, keys: Sequence[str]) -> str:
    """These keys of a group, as far as it has them, in short words: `depth=20, activation=relu`."""
    row = comparison.groups.loc[group]
    return ", ".join(f"{short(key)}={row[key]}" for key in keys if row[key] is not None) or "all"


@contextmanager
def drawing() -> Iterator[None]:
    """The sizes and fonts of TEXT for what is drawn inside."""
    import matplotlib

    with matplotlib.rc_context(TEXT):
        yield


def plain(text: str) -> str:
    """A text of the user's for a figure: matplotlib would read what stands between two $ as a formula."""
    return text.replace("$", r"\$")


def short(key: str) -> str:
    """`architecture.depth` -> `depth`."""
    return key.rpartition(".")[2]
