"""Whether the record of a run that has ended can be read. One that cannot is no result: the run is done again."""

import os
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from vgp_bench.errors import ResultsError
from vgp_bench.records.contents import Known, read_contents
from vgp_bench.records.rows import TABLES
from vgp_bench.records.status import ENDED, Status
from vgp_bench.records.tables import owner_of

if TYPE_CHECKING:
    import pyarrow as pa


MAGIC = b"PAR1"

Depth = Literal["ends", "columns", "rows"]
"""How far tables are read. ends: whether they begin and end as Parquet files do, which costs next to nothing; columns:
the part that says what is in the file and who wrote it; rows: all of it, and columns that an earlier version lacks are
damage too."""


def damage(run: Path, known: Known | None = None, depth: Depth = "columns") -> str:
    """What is wrong with the files of a run that says it has ended with a result, in one line; "" if nothing is, or if
    it says something else.

    known: see read_contents. A disk that does not answer says nothing against a file: that is no damage.
    """
    if not os.path.lexists(run / "status.json"):
        return ""
    try:
        contents = read_contents(run, known)
        if contents.status.state not in ENDED:
            return ""
        if contents.summary is None:
            return f"{run / 'summary.json'} is missing"
        for table in TABLES:
            _check(run / f"{table}.parquet", table, contents.status, depth)
    except ResultsError as error:
        return "" if may_pass(error) else bare(error)
    except OSError:
        return ""
    return ""


def may_pass(error: ResultsError) -> bool:
    """Whether a file could not be read for a reason that is not the file's."""
    return isinstance(error.__cause__, OSError) and not isinstance(error.__cause__, FileNotFoundError)


def bare(error: ResultsError) -> str:
    """The message about a damaged file without the words that say so, for those who say it themselves."""
    message = str(error).removeprefix("not a run, or ").removeprefix("damaged: ")
    return message.removesuffix("; run it again")


def check_columns(path: Path, table: str, schema: "pa.Schema") -> None:
    """Raises ResultsError if this file of a table lacks columns."""
    if missing := [field.name for field in fields(TABLES[table]) if field.name not in schema.names]:
        raise ResultsError(f"damaged: {path} has no column {missing[0]}; run it again with this version")


def check_writer(path: Path, schema: "pa.Schema", status: Status | None) -> None:
    """Raises ResultsError if this file of a table is not by the process that ended the run of this status."""
    if status is not None and status.state in ENDED and owner_of(schema) not in ("", status.owner):
        # Whoever ends a run has written all its tables: this one comes from a process that had lost the run.
        raise ResultsError(f"damaged: {path} is not by the process that ended the run; remove it and run it again")


def _check(path: Path, table: str, status: Status, depth: Depth) -> None:
    """Raises ResultsError for a damaged table, OSError if the disk does not answer."""
    try:
        file = path.open("rb")  # not by pyarrow, whose OSError may also mean a damaged file
    except FileNotFoundError:
        return
    with file:
        if not _ends_as_parquet(file):
            raise _unreadable(path)
        if depth != "ends":
            _look_into(file, path, table, status, depth)


def _ends_as_parquet(file: BinaryIO) -> bool:
    """Whether the file begins and ends with the four bytes that the format asks for."""
    size = file.seek(0, os.SEEK_END)
    if size < 2 * len(MAGIC):
        return False
    file.seek(-len(MAGIC), os.SEEK_END)
    end = file.read()
    file.seek(0)
    return end == MAGIC == file.read(len(MAGIC))


def _look_into(file: BinaryIO, path: Path, table: str, status: Status, depth: Depth) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = pq.ParquetFile(file)
        if depth == "rows":
            found.read()
    except (OSError, pa.ArrowException) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        # Without the cause: this OSError is not the disk's.
        raise _unreadable(path) from None
    if depth == "rows":
        check_columns(path, table, found.schema_arrow)
    check_writer(path, found.schema_arrow, status)


def _unreadable(path: Path) -> ResultsError:
    return ResultsError(f"damaged: {path} is not a readable Parquet file; run it again")
