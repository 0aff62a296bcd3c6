"""Writes one run directory. Every file in it is whole at every instant, so a kill never costs more than the
rows since the last flush. What the directory holds: config.yaml (resolved config), choices.json (group ->
chosen option), environment.json, status.json, one .parquet for each of rows.TABLES, summary.json, and
traceback.txt if the run failed.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from vgp_bench.errors import ResultsError
from vgp_bench.records import tables
from vgp_bench.records.files import TEMPORARY_PATTERN, check_writable, write_atomically, writing
from vgp_bench.records.reading import read_status, read_summary
from vgp_bench.records.rows import TABLES, Row
from vgp_bench.records.status import State, Status, now, started_now
from vgp_bench.records.summary import Summary

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

FLUSH_INTERVAL = 10.0
"""Least seconds between two flushes that nobody asked for."""
FLUSH_SHARE = 20.0
"""... and at least this many times the duration of the last one: writing takes at most 5 % of a run."""

_TABLE_OF = {row_type: name for name, row_type in TABLES.items()}


def run_path(results_dir: str | Path, experiment_name: str, run_id: str) -> Path:
    """Where a run lives: results_dir/experiment_name/run_id."""
    return Path(results_dir) / experiment_name / run_id


class RunStore:
    """The writer of one run directory; `append` is the sink the training loop pushes rows into.

    One process, one store, one directory. Raises ResultsError when the disk refuses; rows not yet written
    stay in memory, so a later flush can still save them.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._pending: dict[str, list[Row]] = {name: [] for name in TABLES}
        self._tables: dict[str, pa.Table] = {}
        self._unwritten: set[str] = set()
        self._status = started_now()
        self._last_flush = time.monotonic()
        self._last_duration = 0.0

    def begin(self, config: Mapping[str, Any], choices: Mapping[str, str], environment: Mapping[str, Any]) -> None:
        """Creates the directory, clears what an earlier attempt left, and sets the state to running.

        config: plain dict of plain values (no interpolations); choices: config group -> chosen option.
        """
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            # The status goes first and comes last: what is in between is no run and never looks finished.
            old = ["status.json", "summary.json", "traceback.txt", *(f"{name}.parquet" for name in TABLES)]
            for leftover in [*(self.path / name for name in old), *self.path.glob(TEMPORARY_PATTERN)]:
                leftover.unlink(missing_ok=True)
        self._pending = {name: [] for name in TABLES}
        self._tables, self._unwritten = {}, set()
        text = yaml.safe_dump(_plain_dict(config), sort_keys=False, allow_unicode=True)
        write_atomically(self.path / "config.yaml", text.encode())
        self._write_json("choices.json", dict(choices))
        self._write_json("environment.json", dict(environment))
        self._status = started_now()
        self._write_json("status.json", self._status.as_json(), durable=True)
        self._last_flush = time.monotonic()

    def is_finished(self) -> bool:
        """Whether the directory holds a run not to be done again: completed or diverged, with summary."""
        try:
            return self.status().state in ("completed", "diverged") and self.summary() is not None
        except ResultsError:
            return False  # no run yet, or a damaged one

    def is_running(self) -> bool:
        """Whether another living process of this machine has it in hand."""
        try:
            status = self.status()
        except ResultsError:
            return False
        return status.state == "running" and status.host == self._status.host and status.pid != self._status.pid

    def status(self) -> Status:
        """The status on disk, of this or an earlier attempt. Raises ResultsError if there is none."""
        return read_status(self.path)

    def summary(self) -> Summary | None:
        """The summary on disk, if there is one. Raises ResultsError if it is damaged."""
        return read_summary(self.path)

    def check_writable(self) -> None:
        """Raises ResultsError if the directory could not be created or written; leaves no trace."""
        check_writable(self.path)

    def append(self, row: Row) -> None:
        """Keeps one row of any type in rows.TABLES for the next flush. Cheap: no disk, no conversion."""
        self._pending[_TABLE_OF[type(row)]].append(row)

    def flush(self) -> None:
        """Writes every table that has changed, whole. Call it between steps: no step is torn apart then."""
        started = time.monotonic()
        self._collect()
        for name in sorted(self._unwritten):
            write_atomically(self.path / f"{name}.parquet", tables.to_parquet(self._tables[name]))
            self._unwritten.discard(name)
        self._last_flush = time.monotonic()
        self._last_duration = self._last_flush - started

    def flush_if_due(self) -> None:
        """Flushes if the last flush is FLUSH_INTERVAL ago and FLUSH_SHARE times its own duration."""
        waited = time.monotonic() - self._last_flush
        if waited >= max(FLUSH_INTERVAL, FLUSH_SHARE * self._last_duration):
            self.flush()

    def finish(self, state: State, summary: Summary | None = None, reason: str = "", traceback: str = "") -> None:
        """Flushes, writes the summary if there is one, and then, last, the final state.

        reason: one line on why the run is not completed; traceback: the rest of it, kept in traceback.txt.
        """
        self.flush()
        if summary is not None:
            self._write_json("summary.json", summary.as_json(), durable=True)
        if traceback:
            write_atomically(self.path / "traceback.txt", traceback.encode())
        self._status = replace(self._status, state=state, reason=reason, ended=now())
        self._write_json("status.json", self._status.as_json(), durable=True)

    def columns(self, table: str) -> dict[str, "np.ndarray"]:
        """All rows of a table so far, flushed or not, as one array a column: what signal_figures reads."""
        self._collect()
        arrow = self._tables.get(table)
        arrow = tables.to_arrow(table, []) if arrow is None else arrow
        return {name: arrow[name].to_numpy() for name in arrow.column_names}

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

    def _write_json(self, name: str, content: Mapping[str, Any], durable: bool = False) -> None:
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        write_atomically(self.path / name, text.encode(), durable)


def _plain_dict(config: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key): _plain_dict(value) if isinstance(value, Mapping) else value for key, value in config.items()}
