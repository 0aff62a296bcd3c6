"""Reads run directories: finished, unfinished and damaged ones."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vgp_bench.errors import ResultsError
from vgp_bench.records import index, tables
from vgp_bench.records.contents import Contents, Known, read_contents, read_if_there, read_object
from vgp_bench.records.folders import RunFolder, run_folders
from vgp_bench.records.soundness import check_columns, check_writer
from vgp_bench.records.status import Status
from vgp_bench.records.summary import Summary

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class RunRecord:
    """One run as found on disk. The small files are read at once, the tables when asked for.

    state: running, completed, diverged, failed, interrupted, lost, or damaged (only from find_runs: `reason`
    says what is wrong and every other field is empty). Runs that were found together may share the dicts in their
    fields: read them, do not change them.
    """

    path: Path
    state: str
    reason: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    choices: dict[str, str] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    status: Status | None = None
    summary: Summary | None = None

    @property
    def seed(self) -> Any:
        return self.config.get("seed")

    def rows(self, table: str) -> "pd.DataFrame":
        """One of rows.TABLES as a data frame, empty if never written. Raises ResultsError if damaged."""
        frame: pd.DataFrame = self._arrow(table).to_pandas()
        return frame

    def columns(self, table: str) -> dict[str, "np.ndarray"]:
        """The same as one numpy array a column, without importing pandas."""
        arrow = self._arrow(table)
        return {name: arrow[name].to_numpy() for name in arrow.column_names}

    def _arrow(self, table: str) -> "pa.Table":
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.path / f"{table}.parquet"
        if not path.exists():
            return tables.to_arrow(table, [])
        try:
            found = pq.read_table(path, partitioning=None)
        except (OSError, pa.ArrowException) as error:
            raise ResultsError(f"damaged: {path} is not a readable Parquet file; run it again") from error
        check_columns(path, table, found.schema)
        check_writer(path, found.schema, self.status)
        return found


def read_run(path: str | Path) -> RunRecord:
    """The run in this directory. Raises ResultsError if it is none or one of its small files is damaged.

    A run that says "running" but whose process on this machine is gone is given as lost.
    """
    return _record(Path(path), read_contents(Path(path)))


def read_status(path: str | Path) -> Status:
    """The status of the run in this directory, as observed now. Raises ResultsError if absent or damaged."""
    return read_object(Path(path) / "status.json", Status.from_json).observed(Path(path))


def read_summary(path: str | Path) -> Summary | None:
    """The summary of the run in this directory, if it has one. Raises ResultsError if it is damaged."""
    return read_if_there(Path(path) / "summary.json", Summary.from_json)


def find_runs(paths: Iterable[str | Path]) -> list[RunRecord]:
    """Every run at or below the given paths (run, experiment or results folder), each once, ordered by path.

    A damaged run is returned with state "damaged" and the reason, so that whoever counts runs can say so.
    Raises ResultsError if a path does not exist or if there is no run at all. Leaves an index in a given folder
    with many runs, and reads from it what has not changed since.
    """
    places = [Path(path) for path in paths]
    looked_ns = time.time_ns()
    seen: set[str] = set()
    found: list[tuple[Path, list[RunFolder]]] = []
    for place in places:
        if not place.is_dir():
            raise ResultsError(f"no such folder: {place}; give a run, an experiment or the results folder")
        real = os.path.realpath(place)
        runs = {os.path.join(real, run.name) if run.name != "." else real: run for run in run_folders(place)}
        found.append((place, [run for key, run in runs.items() if key not in seen]))
        seen.update(runs)
    if not seen:
        where = ", ".join(map(str, places)) or "no folder"
        raise ResultsError(f"no run (a folder with a status.json) in {where}; give the folder of a run")
    records = [record for place, runs in found for record in _read_all(place, runs, looked_ns)]
    return sorted(records, key=lambda record: record.path)


def _read_all(place: Path, runs: list[RunFolder], looked_ns: int) -> list[RunRecord]:
    """These runs below `place`, with the help of its index."""
    known = index.load(place, runs) if len(runs) >= index.LEAST_RUNS else {}
    unknown = [run for run in runs if run.name not in known]
    contents = known | dict(zip((run.name for run in unknown), _read_files(place, unknown), strict=True))
    at_rest = [run for run in runs if index.at_rest(run, looked_ns)]
    good = [(run, found) for run in at_rest if not isinstance(found := contents[run.name], ResultsError)]
    if index.worth_saving(place, sum(run.name not in known for run, _ in good), len(runs)):
        index.save(place, good)
    return [_record(run.below(place), contents[run.name]) for run in runs]


def _read_files(place: Path, runs: list[RunFolder]) -> Iterable[Contents | ResultsError]:
    """What the files of each run say, or what is wrong with them."""
    texts: Known = {}

    def read(run: RunFolder) -> Contents | ResultsError:
        try:
            return read_contents(run.below(place), texts)
        except ResultsError as error:
            return error

    # One after another: eight threads took twice the time, parsing being most of it (scripts/benchmarks/reading.py).
    return map(read, runs)


def _record(path: Path, contents: Contents | ResultsError) -> RunRecord:
    if isinstance(contents, ResultsError):
        return RunRecord(path=path, state="damaged", reason=str(contents))
    config, choices, environment, written, summary = contents
    status = written.observed(path)
    return RunRecord(path, status.state, status.reason, config, choices, environment, status, summary)
