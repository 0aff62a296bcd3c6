"""A comparison as a pipe table, as GitHub and most editors of markdown show it."""

import re

from vgp_bench.report.tables.sheet import Column, Sheet


def to_markdown(made: Sheet) -> str:
    """The table, what all runs share above it and the notes below; every column, whatever the width."""
    lines = [f"All runs: {_escaped('  '.join(made.above))}", ""] if made.above else []
    lines.append(_row([_escaped(column.title) for column in made.columns]))
    lines.append(_row([":---" if column.left else "---:" for column in made.columns]))
    lines += [_row([_cell(column, row) for column in made.columns]) for row in range(len(made.names))]
    notes = made.notes(made.columns)
    if notes:
        lines += ["", *(f"- {_escaped(note)}" for note in notes)]
    return "\n".join(lines) + "\n"


def _cell(column: Column, row: int) -> str:
    return _escaped(column.cells[row])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    # A line break would end the row, a bar the cell; the rest would be read as markup.
    return re.sub(r"([\\`*_\[\]<>|#$~])", r"\\\1", " ".join(text.split()))
