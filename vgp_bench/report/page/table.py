"""The comparison as rows of cells for a page, each with its text and the value it is sorted by."""

import math
from typing import NamedTuple

from vgp_bench.compare import METRICS, Baseline, Comparison
from vgp_bench.compare.metrics import VERDICT
from vgp_bench.report.tables import formats
from vgp_bench.report.tables.sheet import Column, sheet

VERDICT_TITLE = "what is wrong with the runs, or with how many of them; each run below says why"


class Header(NamedTuple):
    """text: short; title: the definition, shown when pointed at."""

    text: str
    title: str = ""


class Cell(NamedTuple):
    """text: as shown; sort: the number or word it is sorted by, empty where nothing was measured."""

    text: str
    sort: str
    number: bool


class Table(NamedTuple):
    """A row of cells for each group, in the order of the comparison; notes: what a reader must know of it."""

    headers: list[Header]
    rows: list[list[Cell]]
    notes: list[str]


def table(comparison: Comparison, baseline: Baseline | None = None) -> Table:
    """All columns of the comparison: a page scrolls, nothing is dropped for want of width.

    baseline: with a column of differences beside each metric.
    """
    made = sheet(comparison, formats.UNICODE, baseline)
    means = comparison.estimates["mean"].to_dict()
    differences = {} if baseline is None else {key: e.mean for key, e in baseline.differences.items()}
    definitions = {name: metric.definition for name, metric in METRICS.items()} | {VERDICT: VERDICT_TITLE}
    headers = [Header(c.title, definitions.get(c.metric, "")) for c in made.columns]
    rows = [
        [
            _cell(column, row, (differences if _is_difference(column) else means).get((group, column.metric)))
            for column in made.columns
        ]
        for row, group in enumerate(comparison.groups.index)
    ]
    return Table(headers, rows, made.notes(made.columns))


def _is_difference(column: Column) -> bool:
    return bool(column.metric) and column.header[-1] == "diff"


def _cell(column: Column, row: int, mean: float | None) -> Cell:
    text = column.cells[row]
    sort = text if mean is None else "" if math.isnan(mean) else repr(float(mean)).replace("inf", "Infinity")
    return Cell(text, "" if sort == formats.UNKNOWN else sort, not column.left)
