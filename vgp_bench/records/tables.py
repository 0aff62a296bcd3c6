"""Row types as Arrow tables: the schema comes from the annotations of the row types and from nowhere else."""

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from vgp_bench.records.rows import TABLES, Row

if TYPE_CHECKING:
    import pyarrow as pa

# pyarrow is imported inside the functions: a command that reads no table must not wait for it.


def schema(table: str) -> "pa.Schema":
    """Arrow schema of one of rows.TABLES: int -> int64, float -> float64, str -> string."""
    import pyarrow as pa

    types = {int: pa.int64(), float: pa.float64(), str: pa.string()}
    return pa.schema([pa.field(f.name, types[f.type]) for f in fields(TABLES[table])])  # type: ignore[index]


def to_arrow(table: str, rows: Sequence[Row]) -> "pa.Table":
    """The rows of one table as Arrow columns; NaN stays NaN and does not become null."""
    import pyarrow as pa

    arrow_schema = schema(table)
    columns = [pa.array([getattr(row, f.name) for row in rows], f.type) for f in arrow_schema]
    return pa.Table.from_arrays(columns, schema=arrow_schema)


def to_parquet(table: "pa.Table") -> bytes:
    """The content of a Parquet file. In memory first, so that only one place writes files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]
