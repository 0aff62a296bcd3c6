"""Whether the tables of a run can be read: one damaged file must not stop whoever looks at a hundred runs."""

from collections.abc import Iterable

from vgp_bench.errors import ResultsError
from vgp_bench.records.reading import RunRecord

LEFT_OUT = "left out: "
"""How a note on a run begins that is not in the picture."""


def unreadable(record: RunRecord, tables: Iterable[str]) -> str:
    """Why this run has to be left out, in a line; empty if each of these tables can be read or was never written."""
    for table in tables:
        try:
            record.columns(table)
        except ResultsError as error:
            return f"{LEFT_OUT}{str(error).removeprefix('damaged: ')}"
    return ""
