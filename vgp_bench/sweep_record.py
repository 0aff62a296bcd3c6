"""The file of a sweep: which runs it has, so that those without a folder of their own can be counted as queued.

RESULTS/EXPERIMENT/.sweep/ID.json, ID being a hash of the run ids. No run depends on it: delete it at will.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vgp_bench.records.files import write_atomically, writing
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
    """A sweep as it was last started. folder: that of its experiment; started: ISO 8601 in UTC."""

    folder: Path
    command: list[str]
    started: str
    launcher: str
    runs: list[SweepRun]

    @property
    def id(self) -> str:
        """12 hexadecimal digits: the same for the same runs, in any order."""
        return hashlib.sha256(" ".join(sorted(run.id for run in self.runs)).encode()).hexdigest()[:12]

    @property
    def path(self) -> Path:
        return self.folder / FOLDER / f"{self.id}.json"


def write_sweep(folder: Path, command: Sequence[str], launcher: str, runs: Sequence[SweepRun]) -> Path:
    """Writes the file of a sweep that starts now; returns its path. Raises ResultsError."""
    record = SweepRecord(folder, list(command), now(), launcher, list(runs))
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


def _read(path: Path) -> SweepRecord:
    content = json.loads(path.read_text(encoding="utf-8"))
    runs = [SweepRun(run["id"], run["label"], run["number"]) for run in content["runs"]]
    return SweepRecord(path.parent.parent, content["command"], content["started"], content["launcher"], runs)
