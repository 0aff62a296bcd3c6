"""A comparison as a table for a terminal. No line is ever longer than the width asked for."""

import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from vgp_bench.compare import Baseline, Comparison, Pivot
from vgp_bench.report.tables import formats
from vgp_bench.report.tables.folding import fold
from vgp_bench.report.tables.formats import Signs
from vgp_bench.report.tables.sheet import Column, Sheet, sheet

GAP = "  "
NARROWEST = 7
"""To so many characters settings are folded before rows get numbers instead."""
WANTED = 2
"""Settings are folded at the seams of their names until so many metrics find room beside them."""


def render(
    comparison: Comparison,
    width: int | None = None,
    signs: Signs | None = None,
    baseline: Baseline | None = None,
    layout: Pivot | None = None,
) -> str:
    """The table with what all runs share above it and what a reader must know below it.

    width: characters a line, as the terminal has if not given; signs: as standard output can write if not given.
    Settings that leave no room for metrics are folded over several lines. Metrics and columns that were asked for
    stand below each other where they do not fit beside each other; others are dropped, the least important first, and
    named below. Settings are never dropped: where even folded they do not fit, rows get
    numbers and the settings are listed below.
    """
    width = shutil.get_terminal_size(fallback=(100, 24)).columns if width is None else width
    signs = formats.signs_for(sys.stdout.encoding) if signs is None else signs
    made = sheet(comparison, signs, baseline, layout)
    all_wanted = bool(comparison.chosen or (layout and layout.columns))
    columns, legend = _fit_settings(made, width, _units(made.columns) if all_wanted else [])
    blocks = _blocks(columns, width) if all_wanted else []
    dropped: list[Column] = []
    while not blocks and _width(columns) > width:
        metrics = [column for column in columns if column.metric]
        if not metrics:
            break
        least = max(reversed(metrics), key=lambda column: column.rank)  # of equal ones the last
        columns.remove(least)
        dropped.append(least)

    above = _fold("  ".join(["all runs:", *made.above]), width) if made.above else []
    blocks = blocks or [columns]
    rule = signs.rule * min(max(map(_width, blocks)), width)
    notes = [*legend, *made.notes(columns)]
    if dropped:
        names = ", ".join(column.title for column in dropped)
        notes.append(f"not shown for want of width (--values NAMES or -o FILE shows them): {names}")
    below = [line for note in notes for line in _fold(note, width)]
    body = [line for block in blocks for line in grid(block, len(made.names), rule)]
    lines = [*above, *body, *below]
    return "\n".join(_shown(line, signs) for line in lines)


def grid(columns: Sequence[Column], rows: int, rule: str) -> list[str]:
    """The columns beside each other, between rules."""
    return [*_header(columns), rule, *_body(columns, rows), rule]


def _blocks(columns: Sequence[Column], width: int) -> list[list[Column]]:
    """The columns in as many tables as the width needs, the settings in each; a metric stays beside its difference."""
    settings = [column for column in columns if not column.metric]
    blocks: list[list[Column]] = []
    for unit in _units(columns):
        if blocks and _width([*blocks[-1], *unit]) <= width:
            blocks[-1] += unit
        else:
            blocks.append([*settings, *unit])
    return blocks


def _units(columns: Sequence[Column]) -> list[list[Column]]:
    """Metrics, each with its difference."""
    metrics = (column for column in columns if column.metric)
    return [list(same) for _, same in groupby(metrics, key=lambda column: (column.group, column.metric))]


def _fit_settings(made: Sheet, width: int, wanted: Sequence[Sequence[Column]]) -> tuple[list[Column], list[str]]:
    """The columns with settings that leave room for metrics, and the legend of numbered rows if there had to be one.

    wanted: metrics of made which, as a unit, have to find room beside them, whatever their rank; the most important
    one always has to.
    """
    columns = list(made.columns)
    words = [i for i, c in enumerate(columns) if c.setting or c.left]
    metrics_made = [column for column in columns if column.metric]
    # By place among the metrics: those of words get narrower below, and settings may go.
    places = [[i for i, metric in enumerate(metrics_made) if any(metric is one for one in unit)] for unit in wanted]

    def needed(count: int) -> int:
        settings = [column for column in columns if not column.metric]
        metrics = [column for column in columns if column.metric]
        foremost = sorted(metrics, key=lambda c: c.rank)[:count]
        units = [foremost, *([metrics[i] for i in place] for place in places)]
        return max(_width([*settings, *unit]) for unit in units)

    for count, cut in ((WANTED, False), (1, True)):
        foldable = [i for i in words if columns[i].setting or not cut]
        while foldable and needed(count) > width:
            widest = max(foldable, key=lambda i: _column_width(columns[i]))
            narrower = folded(made.columns[widest], _column_width(columns[widest]) - 1, cut)
            if _column_width(narrower) < _column_width(columns[widest]) and _column_width(narrower) >= NARROWEST:
                columns[widest] = narrower
            else:
                foldable.remove(widest)
    if needed(1) <= width or not made.columns[0].setting:
        return columns, []
    numbers = Column(("row",), [str(row) for row in range(len(made.names))])
    legend = [f"row {row}: {name}" for row, name in enumerate(made.names)]
    folded_words = [numbers, *(c for c in columns if not c.setting)]
    columns = [numbers, *(c for c in made.columns if not c.setting)]
    return (columns if needed(1) <= width else folded_words), legend


def folded(column: Column, width: int, cut: bool) -> Column:
    """The column in at most so many characters, see folding.fold."""
    header = tuple(part for line in column.header for part in fold(line, width, cut))
    return replace(column, header=header, cells=["\n".join(fold(text, width, cut)) for text in column.cells])


def _header(columns: Sequence[Column]) -> list[str]:
    """The lines above the rule, bottom aligned; what columns have in common stands once above them."""
    height = max(len(column.header) for column in columns)
    lines = [[""] * (height - len(column.header)) + list(column.header) for column in columns]
    texts = [_line(columns, [line[i] for line in lines]) for i in range(height)]
    if any(column.group for column in columns):
        texts.insert(0, _groups(columns))
    return texts


def _groups(columns: Sequence[Column]) -> str:
    parts, start = [], 0
    for name, members in groupby(columns, key=lambda column: column.group):
        count = len(list(members))
        width = _width(columns[start : start + count])
        parts.append(name.rjust(width) if count == 1 else name.center(width))
        start += count
    return GAP.join(parts).rstrip()


def _body(columns: Sequence[Column], rows: int) -> list[str]:
    lines = []
    for row in range(rows):
        parts = [column.cells[row].split("\n") for column in columns]
        for i in range(max(map(len, parts))):
            lines.append(_line(columns, [part[i] if i < len(part) else "" for part in parts]))
    return lines


def _line(columns: Sequence[Column], texts: Sequence[str]) -> str:
    widths = _widths(columns)
    padded = [
        text.ljust(width) if column.left else text.rjust(width)
        for column, text, width in zip(columns, texts, widths, strict=True)
    ]
    return GAP.join(padded).rstrip()


def _widths(columns: Sequence[Column]) -> list[int]:
    """Widths of the columns; the last of a group is as wide as the common header of the group needs."""
    widths, start = [_column_width(column) for column in columns], 0
    for name, members in groupby(columns, key=lambda column: column.group):
        end = start + len(list(members))
        missing = len(name) - sum(widths[start:end]) - len(GAP) * (end - start - 1)
        widths[end - 1] += max(0, missing)
        start = end
    return widths


def _column_width(column: Column) -> int:
    return max((len(line) for text in (*column.header, *column.cells) for line in text.split("\n")), default=0)


def _width(columns: Sequence[Column]) -> int:
    return sum(_widths(columns)) + len(GAP) * (len(columns) - 1)


def _fold(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent="  " if width > 20 else "", break_on_hyphens=False)


def _shown(line: str, signs: Signs) -> str:
    # Names of options and folders can hold anything; in ASCII mode the rest must not break the terminal.
    return line.encode("ascii", "replace").decode() if signs is formats.ASCII else line
