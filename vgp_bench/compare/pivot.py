"""Groups laid out as rows times columns, and the refusal to lay two of them into one cell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vgp_bench.compare.comparison import Comparison
from vgp_bench.compare.keys import find_key, listed
from vgp_bench.errors import UserError
from vgp_bench.records.settings import natural_key

Values = tuple[Any, ...]


@dataclass(frozen=True)
class Pivot:
    """rows, columns: keys; row_values, column_values: their values in natural order; cells: (row, column) -> group."""

    rows: list[str]
    columns: list[str]
    row_values: list[Values]
    column_values: list[Values]
    cells: dict[tuple[Values, Values], int]


def pivot(comparison: Comparison, rows: Sequence[str] = (), columns: Sequence[str] = ()) -> Pivot:
    """The groups by these keys, in full or short. Without row keys, the differing keys that are no columns are rows.

    Raises UserError for an unknown key, for one named twice, and where two groups would share a cell.
    """
    known = [*comparison.settings, *comparison.constants]
    row_keys = [find_key(word, known, "--rows", comparison.settings) for word in rows]
    column_keys = [find_key(word, known, "--columns", comparison.settings) for word in columns]
    named = [*row_keys, *column_keys]
    for key in named:
        if named.count(key) > 1:
            raise UserError(f"{key} is named twice in --rows and --columns; name it once")
    if not row_keys:
        row_keys = [key for key in comparison.settings if key not in column_keys]
    table = comparison.groups.to_dict("records")
    cells: dict[tuple[Values, Values], int] = {}
    for number, row in enumerate(table):
        place = (
            tuple(row.get(key, comparison.constants.get(key)) for key in row_keys),
            tuple(row.get(key, comparison.constants.get(key)) for key in column_keys),
        )
        if place in cells:
            raise UserError(_refusal(comparison, [*row_keys, *column_keys]))
        cells[place] = number
    return Pivot(
        row_keys,
        column_keys,
        sorted({place[0] for place in cells}, key=_order),
        sorted({place[1] for place in cells}, key=_order),
        cells,
    )


def _refusal(comparison: Comparison, shown: Sequence[str]) -> str:
    """Names a key in which groups of one cell differ, that one first which most cells mix."""
    found: dict[tuple[str, ...], dict[str, set[str]]] = {}
    for row in comparison.groups.to_dict("records"):
        cell = found.setdefault(tuple(str(row.get(key)) for key in shown), {})
        for key in comparison.settings:
            cell.setdefault(key, set()).add(str(row[key]))
    mixed: dict[str, int] = {}
    for cell in found.values():
        for key, values in cell.items():
            if key not in shown and len(values) > 1:
                mixed[key] = mixed.get(key, 0) + 1
    key = max(mixed, key=lambda name: mixed[name])
    present = sorted(set(comparison.groups[key]), key=natural_key)
    others = "" if len(mixed) == 1 else f" (and in {', '.join(other for other in mixed if other != key)})"
    return (
        f"a cell would mix runs that differ in {key}: {listed(present)}{others}; add {key} to --rows or --columns, or "
        f"choose with --where {key}=VALUE"
    )


def _order(values: Values) -> list[Any]:
    return [natural_key(value) for value in values]
