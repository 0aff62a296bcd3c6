"""Reads run directories: finished, unfinished and damaged ones."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from vgp_bench.errors import ResultsError
from vgp_bench.records import tables
from vgp_bench.records.status import Status
from vgp_bench.records.summary import Summary

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

Content = TypeVar("Content")


@dataclass(frozen=True)
class RunRecord:
    """One run as found on disk. The small files are read at once, the tables when asked for.

    state: running, completed, diverged, failed, interrupted, or damaged (only from find_runs: `reason` says
    what is wrong and every other field is empty).
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
            return pq.read_table(path, partitioning=None)
        except (OSError, pa.ArrowException) as error:
            raise ResultsError(f"damaged: {path} is not a readable Parquet file; run it again") from error


def read_run(path: str | Path) -> RunRecord:
    """The run in this directory. Raises ResultsError if it is none or one of its small files is damaged.

    A run that says "running" but whose process on this machine is gone is given as interrupted.
    """
    path = Path(path)
    status = read_status(path)
    return RunRecord(
        path=path,
        state=status.state,
        reason=status.reason,
        config=_read(path / "config.yaml", yaml.safe_load),
        choices=_read(path / "choices.json", json.loads),
        environment=_read(path / "environment.json", json.loads),
        status=status,
        summary=read_summary(path),
    )


def read_status(path: str | Path) -> Status:
    """The status of the run in this directory, as observed now. Raises ResultsError if absent or damaged."""
    return _parse(Path(path) / "status.json", Status.from_json).observed()


def read_summary(path: str | Path) -> Summary | None:
    """The summary of the run in this directory, if it has one. Raises ResultsError if it is damaged."""
    file = Path(path) / "summary.json"
    return _parse(file, Summary.from_json) if file.exists() else None


def find_runs(paths: Iterable[str | Path]) -> list[RunRecord]:
    """Every run at or below the given paths (run, experiment or results folder), each once, ordered by path.

    A damaged run is returned with state "damaged" and the reason, so that whoever counts runs can say so.
    Raises ResultsError if a path does not exist or if there is no run at all.
    """
    places = [Path(path) for path in paths]
    found: dict[Path, Path] = {}
    for path in places:
        if not path.is_dir():
            raise ResultsError(f"no such folder: {path}; give a run, an experiment or the results folder")
        for folder, subfolders, files in os.walk(path):
            if "status.json" in files:
                subfolders.clear()  # runs are not nested
                found.setdefault(Path(folder).resolve(), Path(folder))
    if not found:
        where = ", ".join(map(str, places)) or "no folder"
        raise ResultsError(f"no run (a folder with a status.json) in {where}; give the folder of a run")
    return [_read_or_report(path) for path in sorted(found.values())]


def _read_or_report(path: Path) -> RunRecord:
    try:
        return read_run(path)
    except ResultsError as error:
        return RunRecord(path=path, state="damaged", reason=str(error))


def _read(path: Path, parse: Callable[[str], Any]) -> dict[str, Any]:
    try:
        content = parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ResultsError(f"not a run, or damaged: {path} is missing") from error
    except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: JSON and encoding errors
        what = error.strerror if isinstance(error, OSError) else "it cannot be parsed"
        raise ResultsError(f"damaged: cannot read {path}: {what}; run it again") from error
    if not isinstance(content, Mapping):
        raise ResultsError(f"damaged: {path} holds no keys; run it again")
    return dict(content)


def _parse(path: Path, from_json: Callable[[Mapping[str, Any]], Content]) -> Content:
    content = _read(path, json.loads)
    try:
        return from_json(content)
    except (KeyError, TypeError, ValueError) as error:
        raise ResultsError(f"damaged: {path} is not what a run writes ({error}); run it again") from error
