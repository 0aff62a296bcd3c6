"""The rows of one run in memory, table by table: those that are on disk and those that are not yet."""

from pathlib import Path
from typing import TYPE_CHECKING

from vgp_bench.errors import ResultsError
from vgp_bench.plural import plural
from vgp_bench.records import tables
from vgp_bench.records.rows import TABLES, Row

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_TABLE_OF = {row_type: name for name, row_type in TABLES.items()}


class TableBuffer:
    """append() rows; unwritten() are the tables to be written. Knows no writing."""

    def __init__(self) -> None:
        self._pending: dict[str, list[Row]] = {name: [] for name in TABLES}
        self._tables: dict[str, pa.Table] = {}
        self._unwritten: set[str] = set()

    def append(self, row: Row) -> None:
        """Cheap: no conversion."""
        self._pending[_TABLE_OF[type(row)]].append(row)

    def unwritten(self) -> list[str]:
        """The tables that have changed since written() was last told of them."""
        self._collect()
        return sorted(self._unwritten)

    def content(self, table: str, owner: str) -> bytes:
        """The Parquet file of a table, marked with its writer."""
        return tables.to_parquet(self._tables[table], owner)

    def written(self, table: str) -> None:
        """It is on disk as content() gave it."""
        self._unwritten.discard(table)

    def counts(self) -> dict[str, int]:
        """Rows of every table."""
        self._collect()
        return {name: self._tables[name].num_rows if name in self._tables else 0 for name in TABLES}

    def columns(self, table: str) -> dict[str, "np.ndarray"]:
        """All rows of a table so far as one array a column."""
        arrow = self._arrow(table)
        return {name: arrow[name].to_numpy() for name in arrow.column_names}

    def rows(self, table: str) -> list[Row]:
        """All rows of a table so far."""
        return [TABLES[table](**row) for row in self._arrow(table).to_pylist()]

    def load(self, folder: Path, counts: dict[str, int]) -> None:
        """Holds the first so many rows of each table in `folder`, and nothing else; all of them count as unwritten.

        Raises ResultsError if a table is damaged, has fewer rows or other columns; OSError or MemoryError for a fault
        that may pass.
        """
        found: dict[str, pa.Table] = {}
        for name, count in counts.items():
            if count:
                table = tables.from_parquet(folder / f"{name}.parquet", name)
                if table.num_rows < count:
                    raise ResultsError(f"{name}.parquet has {plural(table.num_rows, 'row')}, not {count}")
                # One chunk a column, and none of the memory of the rows that are cut off.
                found[name] = table.slice(0, count).combine_chunks()
        self.__init__()  # type: ignore[misc]
        self._tables = found
        self._unwritten = set(found)

    def _arrow(self, table: str) -> "pa.Table":
        self._collect()
        return self._tables[table] if table in self._tables else tables.to_arrow(table, [])

    def _collect(self) -> None:
        for name, rows in self._pending.items():
            if rows:
                import pyarrow as pa

                new = tables.to_arrow(name, rows)
                old = self._tables.get(name)
                # One chunk a column: chunks of every flush of a long run would slow down each later flush.
                self._tables[name] = new if old is None else pa.concat_tables([old, new]).combine_chunks()
                self._unwritten.add(name)
                rows.clear()
