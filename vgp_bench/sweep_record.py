"""The file of a sweep: which runs it has, so that those without a folder of their own can be counted as queued; and who
is to run them: the process that started it, and for each run whom that process has handed it to.

RESULTS/EXPERIMENT/.sweep/ID.json, ID being a hash of the run ids. No run depends on it: delete it at will.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vgp_bench.records.files import write_atomically, writing
from vgp_bench.records.processes import here, is_alive, start_of
from vgp_bench.records.status import now

FOLDER = ".sweep"


@dataclass(frozen=True)
class SweepRun:
    """number: its place in the sweep, from 1."""

    id: str
    label: str
    number: int


@dataclass(frozen=True)
class SweepRecord:
    """A sweep as it was last started. folder: that of its experiment; started: ISO 8601 in UTC; process: place, pid and
    start (see processes) of the one that started it, {} from a version that did not say."""

    folder: Path
    command: list[str]
    started: str
    launcher: str
    runs: list[SweepRun]
    process: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """12 hexadecimal digits: the same for the same runs, in any order."""
        return hashlib.sha256(" ".join(sorted(run.id for run in self.runs)).encode()).hexdigest()[:12]

    @property
    def path(self) -> Path:
        return self.folder / FOLDER / f"{self.id}.json"


def write_sweep(folder: Path, command: Sequence[str], launcher: str, runs: Sequence[SweepRun]) -> Path:
    """Writes the file of a sweep that starts now; returns its path. Raises ResultsError."""
    pid = os.getpid()
    me = {"place": here(), "pid": pid, "start": start_of(pid)}
    record = SweepRecord(folder, list(command), now(), launcher, list(runs), me)
    content = asdict(record)
    del content["folder"]
    with writing(record.path):
        record.path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(record.path, (json.dumps(content, indent=1) + "\n").encode())
    return record.path


def read_sweeps(folders: Iterable[Path]) -> list[SweepRecord]:
    """The sweeps of these experiment folders, oldest start first; a file that is damaged is passed over."""
    found = []
    for folder in folders:
        for path in sorted((folder / FOLDER).glob("*.json")):
            try:
                found.append(_read(path))
            except (OSError, ValueError, KeyError, TypeError):
                continue
    return sorted(found, key=lambda sweep: sweep.started)


def log_path(run: Path) -> Path:
    """Where a launcher that runs it in a process of its own sends the output of this run: beside the sweep's file."""
    return run.parent / FOLDER / "logs" / f"{run.name}.log"


def holder(run: Path) -> dict[str, Any]:
    """Whom a launcher has handed this run to: engine, and a process or a job; {} if to nobody, or if it has ended."""
    try:
        content = json.loads((run.parent / FOLDER / "tasks" / f"{run.name}.holder.json").read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def lives(process: Mapping[str, Any]) -> bool | None:
    """Whether a process, given by place, pid and start, is still there; None if that cannot be told from here."""
    try:
        return is_alive(int(process["pid"]), str(process["start"])) if process["place"] == here() else None
    except (KeyError, ValueError, TypeError):  # none
        return False


def _read(path: Path) -> SweepRecord:
    content = json.loads(path.read_text(encoding="utf-8"))
    runs = [SweepRun(run["id"], run["label"], run["number"]) for run in content["runs"]]
    process = dict(content.get("process", {}))
    return SweepRecord(path.parent.parent, content["command"], content["started"], content["launcher"], runs, process)
