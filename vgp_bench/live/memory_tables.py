"""Rows in memory as the tables that a diagnosis reads, and as pandas frames."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from vgp_bench.diagnosis.case import JUDGED
from vgp_bench.records.rows import TABLES, Row
from vgp_bench.records.signal import Columns

if TYPE_CHECKING:
    import pandas as pd


def columns_of(rows: Sequence[Row]) -> dict[str, Columns]:
    """The tables of a Case by name: columns by name, in the order of the rows, empty where there are none."""
    return {table: _columns(table, [row for row in rows if type(row) is TABLES[table]]) for table in JUDGED}


def _columns(table: str, rows: Sequence[Row]) -> Columns:
    return {name: np.array([getattr(row, name) for row in rows]) for name in TABLES[table].__slots__}


def frames_of(tables: Mapping[str, Columns]) -> "dict[str, pd.DataFrame]":
    """The same as data frames; docs/columns.md defines every column."""
    import pandas as pd

    return {name: pd.DataFrame(dict(columns)) for name, columns in tables.items()}
