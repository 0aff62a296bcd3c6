"""Row types as Arrow tables: the schema comes from the annotations of the row types and from nowhere else."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from vgp_bench.errors import ResultsError
from vgp_bench.records.rows import TABLES, Row

if TYPE_CHECKING:
    import pyarrow as pa

OWNER = b"vgp_bench.owner"
"""Key of a Parquet file's metadata: the token of the process that wrote it."""

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


def to_parquet(table: "pa.Table", owner: str = "") -> bytes:
    """The content of a Parquet file. In memory first, so that only one place writes files.

    owner: the token of the process that writes it, see ownership; goes into the metadata of the file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({OWNER: owner}) if owner else table, sink)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def owner_of(schema: "pa.Schema") -> str:
    """The token of the process that wrote the table of this schema; "" if it says none."""
    owner: bytes = (schema.metadata or {}).get(OWNER, b"")
    return owner.decode(errors="replace")


def from_parquet(path: Path, table: str) -> "pa.Table":
    """One of rows.TABLES as it is in a file. Raises ResultsError if that is missing, damaged or of other columns,
    OSError or MemoryError for a fault that may pass and says nothing against the file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        content = path.read_bytes()  # not by pyarrow, whose OSError may also mean a damaged file
    except FileNotFoundError as error:
        raise ResultsError(f"{path.name} cannot be read") from error
    try:
        found = pq.read_table(pa.BufferReader(content)).replace_schema_metadata(None)
    except MemoryError:  # pyarrow's own is an ArrowException too
        raise
    except (OSError, pa.ArrowException) as error:
        raise ResultsError(f"{path.name} cannot be read") from error
    if found.schema != schema(table):
        raise ResultsError(f"{path.name} has other columns than this version writes")
    return found
