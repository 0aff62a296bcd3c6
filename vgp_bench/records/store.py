"""Writes one run directory. Every file in it is whole at every instant, so a kill never costs more than the
rows since the last flush. What the directory holds: config.yaml (resolved config), choices.json (group ->
chosen option), environment.json, status.json, one .parquet for each of rows.TABLES, summary.json, traceback.txt if
the run failed; and while it is not finished its owner's file and the checkpoints.
"""

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from vgp_bench.errors import ResultsError
from vgp_bench.records.buffer import TableBuffer
from vgp_bench.records.checkpoints import Checkpoints
from vgp_bench.records.contents import read_object, read_small
from vgp_bench.records.files import TEMPORARY_PATTERN, check_writable, write_atomically, writing
from vgp_bench.records.folders import SMALL_FILES
from vgp_bench.records.ownership import Ownership, refuse_if_owned
from vgp_bench.records.reading import read_status, read_summary
from vgp_bench.records.rows import TABLES, Row
from vgp_bench.records.soundness import Depth, bare, damage, may_pass
from vgp_bench.records.status import ENDED, State, Status, now, started_now
from vgp_bench.records.summary import Summary

if TYPE_CHECKING:
    import numpy as np


def run_path(results_dir: str | Path, experiment_name: str, run_id: str) -> Path:
    """Where a run lives: results_dir/experiment_name/run_id."""
    return Path(results_dir) / experiment_name / run_id


class RunStore:
    """The writer of one run directory; `append` is the sink the training loop pushes rows into.

    One store has the directory at a time, from claim() until release() or finish(). Raises ResultsError when the disk
    refuses; rows not yet written stay in memory, so a later flush can still save them. Raises Superseded instead of
    writing once another process has taken the run over.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.checkpoints = Checkpoints(self.path, self._write)
        self._buffer = TableBuffer()
        self._ownership = Ownership(self.path)
        self._status = started_now()

    def refuse_if_owned(self) -> None:
        """Raises Superseded if another living process has it in hand. A first look only: claim() decides."""
        refuse_if_owned(self.path)

    def claim(self) -> None:
        """Takes the run in hand, creating its directory. Raises Superseded if another living process has it."""
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        self._ownership.claim()

    def release(self) -> None:
        """Out of hand: another process may have it. Never raises."""
        self._ownership.release()

    def begin(self, config: Mapping[str, Any], choices: Mapping[str, str], environment: Mapping[str, Any]) -> None:
        """Claims the directory, clears what an earlier attempt left, and sets the state to running.

        config: plain dict of plain values (no interpolations); choices: config group -> chosen option.
        """
        self.claim()
        # The status goes first and comes last: what is in between is no run and never looks finished.
        self._remove("status.json", "summary.json", "traceback.txt", *(f"{name}.parquet" for name in TABLES))
        self.checkpoints.clear()
        self._buffer = TableBuffer()
        self._write_small("config.yaml", config)
        self._write_small("choices.json", choices)
        self._write_small("environment.json", environment)
        self._set_status(started_now())

    def load_rows(self, counts: Mapping[str, int]) -> None:
        """Goes back to the first so many rows of each table. Raises ResultsError if the disk does not hold them,
        OSError or MemoryError for a fault that may pass."""
        self._buffer.load(self.path, dict(counts))

    def go_on(self, entry: Mapping[str, Any]) -> None:
        """Sets the state back to running, with the rows of load_rows(). entry: added to the list `resumed` of
        environment.json, which says where, when and by which code the run was gone on with."""
        self.claim()
        environment = read_object(self.path / "environment.json", dict)
        environment["resumed"] = [*environment.get("resumed", []), dict(entry)]
        self._remove("summary.json", "traceback.txt")
        self._write_json("environment.json", environment)
        try:
            started = self.written_status().started
        except ResultsError:  # damaged, which does not spoil the checkpoints
            started = now()
        self._set_status(replace(started_now(), started=started))

    def is_finished(self, depth: Depth = "columns") -> bool:
        """Whether the directory holds a run not to be done again: completed or diverged, its files readable."""
        try:
            return self.status().state in ENDED and not self.damage(depth)
        except ResultsError:
            return False  # no run yet, or a damaged one

    def damage(self, depth: Depth = "columns") -> str:
        """What is wrong with the record of a run that has ended; "" if nothing, or if it has not."""
        return damage(self.path, depth=depth)

    def set_aside(self) -> Path:
        """Moves the files of a record that is damaged into a folder in it, whose path it returns: some of them may be
        good, and begin() would remove them."""
        self._ownership.check()
        aside = self.path / "damaged"
        with writing(aside):
            aside.mkdir(exist_ok=True)
            # The status first: without it the rest is no run.
            for name in (*SMALL_FILES, "traceback.txt", *(f"{table}.parquet" for table in TABLES)):
                with contextlib.suppress(FileNotFoundError):
                    os.replace(self.path / name, aside / name)
        return aside

    def renew(self, config: Mapping[str, Any], choices: Mapping[str, str], environment: Mapping[str, Any]) -> list[str]:
        """Writes those files anew, of a run that goes on, that cannot be read; returns what was wrong with them."""
        problems = []
        whole = {"config.yaml": config, "choices.json": choices, "environment.json": environment}
        for name, content in whole.items():
            try:
                read_small(self.path / name)
            except ResultsError as error:
                if may_pass(error):
                    raise
                problems.append(bare(error))
                self._write_small(name, content)
        return problems

    def status(self) -> Status:
        """The status on disk, of this or an earlier attempt, as observed. Raises ResultsError if there is none."""
        return read_status(self.path)

    def written_status(self) -> Status:
        """The status on disk as it was written. Raises ResultsError if there is none."""
        return read_object(self.path / "status.json", Status.from_json)

    def summary(self) -> Summary | None:
        """The summary on disk, if there is one. Raises ResultsError if it is damaged."""
        return read_summary(self.path)

    def check_writable(self) -> None:
        """Raises ResultsError if the directory could not be created or written; leaves no trace."""
        check_writable(self.path)

    def append(self, row: Row) -> None:
        """Keeps one row of any type in rows.TABLES for the next flush. Cheap: no disk, no conversion."""
        self._buffer.append(row)

    def flush(self) -> None:
        """Writes every table that has changed, whole. Call it between steps: no step is torn apart then."""
        for name in self._buffer.unwritten():
            self._write(self.path / f"{name}.parquet", self._buffer.content(name, self._ownership.token))
            self._buffer.written(name)

    def finish(self, state: State, summary: Summary | None = None, reason: str = "", traceback: str = "") -> None:
        """Flushes, writes the summary if there is one and then the final state; releases the directory.

        reason: one line on why the run is not completed; traceback: the rest of it, kept in traceback.txt. The
        checkpoints go, unless the run was interrupted: then they are what it goes on from.
        """
        self.flush()
        if summary is not None:
            self._write_json("summary.json", summary.as_json(), durable=True)
        if traceback:
            self._write(self.path / "traceback.txt", traceback.encode())
        self._set_status(replace(self._status, state=state, reason=reason, ended=now()))
        if state != "interrupted":
            self.checkpoints.clear()
        self.release()

    def counts(self) -> dict[str, int]:
        """Rows of every table so far, flushed or not."""
        return self._buffer.counts()

    def rows(self, table: str) -> list[Row]:
        """All rows of a table so far, flushed or not."""
        return self._buffer.rows(table)

    def columns(self, table: str) -> dict[str, "np.ndarray"]:
        """The same as one array a column: what signal_figures reads."""
        return self._buffer.columns(table)

    def _set_status(self, status: Status) -> None:
        self._status = replace(status, owner=self._ownership.token)
        self._write_json("status.json", self._status.as_json(), durable=True)

    def _remove(self, *names: str) -> None:
        self._ownership.check()
        with writing(self.path):
            for leftover in [*(self.path / name for name in names), *self.path.glob(TEMPORARY_PATTERN)]:
                leftover.unlink(missing_ok=True)

    def _write_small(self, name: str, content: Mapping[str, Any]) -> None:
        if not name.endswith(".yaml"):
            self._write_json(name, dict(content))
            return
        text = yaml.safe_dump(_plain_dict(content), sort_keys=False, allow_unicode=True)
        self._write(self.path / name, text.encode())

    def _write_json(self, name: str, content: Mapping[str, Any], durable: bool = False) -> None:
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        self._write(self.path / name, text.encode(), durable)

    def _write(self, path: Path, content: bytes, durable: bool = False) -> None:
        self._ownership.check()
        write_atomically(path, content, durable)


def _plain_dict(config: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key): _plain_dict(value) if isinstance(value, Mapping) else value for key, value in config.items()}
