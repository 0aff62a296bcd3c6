"""A comparison as a table for a terminal. No line is ever longer than the width asked for."""

import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from vgp_bench.compare import STATES, Comparison, Estimate
from vgp_bench.report import formats
from vgp_bench.report.formats import Signs

GAP = "  "


@dataclass(frozen=True)
class Column:
    """One column of text. header: its lines, top to bottom; rank: the highest is dropped first, 0 never."""

    header: tuple[str, ...]
    cells: list[str]
    rank: int = 0
    left: bool = False

    @property
    def width(self) -> int:
        return max(len(text) for text in (*self.header, *self.cells))

    def lines(self, header_lines: int) -> list[str]:
        """Header (bottom aligned) and cells, padded to one width."""
        texts = [""] * (header_lines - len(self.header)) + [*self.header, *self.cells]
        return [text.ljust(self.width) if self.left else text.rjust(self.width) for text in texts]


# Figure, header, form, rank: in the order of the columns.
FIGURE_COLUMNS: tuple[tuple[str, tuple[str, ...], Callable[[Estimate, Signs], str], int], ...] = (
    ("test_accuracy", ("test", "acc %"), formats.percent, 1),
    ("validation_accuracy", ("val", "acc %"), formats.percent, 4),
    ("train_accuracy", ("train", "acc %"), formats.percent, 6),
    ("initial_gradient_ratio", ("grad ratio", "first/last", "@init"), formats.power, 2),
    ("initial_decay_per_layer", ("decay", "/layer", "@init"), formats.factor, 3),
    ("final_dead_fraction", ("dead", "units %"), formats.percent, 5),
    ("parameters", ("parameters",), formats.whole, 8),
    ("seconds", ("time", "s"), formats.seconds, 7),
)


def render(comparison: Comparison, width: int | None = None, signs: Signs | None = None) -> str:
    """The table with what all runs share above it and what a reader must know below it.

    width: characters a line, as the terminal has if not given; signs: as standard output can write if not given.
    Columns that do not fit are dropped, the least important first, and named below. Settings are never dropped:
    where even they do not fit, rows get numbers and the settings are listed below.
    """
    width = shutil.get_terminal_size(fallback=(100, 24)).columns if width is None else width
    signs = formats.signs_for(sys.stdout.encoding) if signs is None else signs
    settings = _setting_columns(comparison)
    counts = _count_columns(comparison)
    figures, unmeasured = _figure_columns(comparison, signs)

    legend: list[str] = []
    if settings and _width([*settings, *counts, *figures[:1]]) > width:
        legend = [f"row {group}: {comparison.name(group)}" for group in comparison.groups.index]
        settings = [Column(("row",), [str(group) for group in comparison.groups.index])]
    dropped: list[str] = []
    while figures and _width([*settings, *counts, *figures]) > width:
        least = max(figures, key=lambda column: column.rank)
        figures.remove(least)
        dropped.append(" ".join(least.header))

    columns = [*settings, *counts, *figures]
    texts = [f"{key}={value}" for key, value in comparison.constants.items()]
    above = _fold("  ".join(["all runs:", *texts]), width) if texts else []
    header_lines = max(len(column.header) for column in columns)
    rows = [GAP.join(line).rstrip() for line in zip(*(c.lines(header_lines) for c in columns), strict=True)]
    rule = signs.rule * min(_width(columns), width)
    notes = [*legend, *_explanations(comparison, [" ".join(column.header) for column in figures], signs)]
    if dropped:
        notes.append(f"not shown for want of width: {', '.join(dropped)}")
    if unmeasured:
        notes.append(f"not measured in any run: {', '.join(unmeasured)}")
    notes += comparison.notes
    below = [line for note in notes for line in _fold(note, width)]
    lines = [*above, *rows[:header_lines], rule, *rows[header_lines:], rule, *below]
    return "\n".join(_shown(line, signs) for line in lines)


def _setting_columns(comparison: Comparison) -> list[Column]:
    short = [key.rpartition(".")[2] for key in comparison.settings]
    repeated = Counter(short)
    columns = []
    for key, name in zip(comparison.settings, short, strict=True):
        values = [_setting(value) for value in comparison.groups[key]]
        numbers = all(isinstance(value, (int, float)) for value in comparison.groups[key] if value is not None)
        header = (name,) if repeated[name] == 1 else (key.rpartition(".")[0] + ".", name)
        columns.append(Column(header, values, left=not numbers))
    return columns


def _setting(value: Any) -> str:
    if value is None:
        return formats.UNKNOWN
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def _count_columns(comparison: Comparison) -> list[Column]:
    groups = comparison.groups
    columns = [Column(("n",), [str(n) for n in groups["n"]])]
    others = [
        ", ".join(f"{row[state]} {state}" for state in STATES if state != "completed" and row[state])
        for _, row in groups.iterrows()
    ]
    if any(others):
        columns.append(Column(("not", "completed"), others, left=True))
    return columns


def _figure_columns(comparison: Comparison, signs: Signs) -> tuple[list[Column], list[str]]:
    """The columns of figures that at least one group has, and the names of the others."""
    columns, unmeasured = [], []
    for figure, header, form, rank in FIGURE_COLUMNS:
        estimates = [Estimate(*comparison.estimates.loc[(group, figure)]) for group in comparison.groups.index]
        if any(e.n for e in estimates):
            cells = [formats.cell(e, form, signs) for e in estimates]
            if "@init" not in header and figure != "parameters":
                # A figure that some of the n runs lack must not pass for a mean over n.
                pairs = zip(cells, estimates, comparison.groups["n"], strict=True)
                cells = [f"{text} (n={e.n:.0f})" if 0 < e.n < n else text for text, e, n in pairs]
            columns.append(Column(header, cells, rank))
        else:
            unmeasured.append(" ".join(header))
    return columns, unmeasured


def _explanations(comparison: Comparison, shown: Sequence[str], signs: Signs) -> list[str]:
    groups = comparison.groups
    notes = []
    if (comparison.estimates["n"] >= 3).any():
        notes.append(
            f"n: completed runs, one a seed; {signs.plus_minus}: 95 % t interval of the mean (n >= 3); "
            f"{signs.times_over}: the same as a factor"
        )
    else:
        notes.append("n: completed runs, one a seed; no interval below n = 3")
    unfinished = sum(groups[state].sum() for state in STATES if state != "completed")
    if unfinished and any("@init" in header for header in shown):
        notes.append("@init also counts the runs that did not complete")
    return notes


def _width(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + len(GAP) * (len(columns) - 1)


def _fold(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent="  " if width > 20 else "", break_on_hyphens=False)


def _shown(line: str, signs: Signs) -> str:
    # Names of options and folders can hold anything; in ASCII mode the rest must not break the terminal.
    return line.encode("ascii", "replace").decode() if signs is formats.ASCII else line
