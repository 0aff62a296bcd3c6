"""What has become of the runs of a results folder, read from any machine: counts, who runs, who failed, who waits.

Only status.json and the files of sweeps are read, of running runs the length of two tables too: 1,000 runs take a
fraction of a second.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vgp_bench.errors import ResultsError
from vgp_bench.records.folders import run_folders
from vgp_bench.records.reading import read_status
from vgp_bench.records.status import Status
from vgp_bench.sweep_record import FOLDER, SweepRecord, read_sweeps

STATES = ("completed", "diverged", "failed", "interrupted", "lost", "damaged", "running", "queued")
UNDER_WAY = ("running", "queued")
RATE_OVER = timedelta(hours=1)
"""Runs that ended so long ago at most say how fast a sweep goes on."""


@dataclass(frozen=True)
class Entry:
    """A run: its folder (or where it will be), its label if a sweep has it, and its status; None: queued."""

    path: Path
    label: str
    status: Status | None

    @property
    def state(self) -> str:
        return self.status.state if self.status else "queued"


@dataclass(frozen=True)
class SweepState:
    """A sweep and its runs. remaining: what its rate of the last hour leaves, None if none of its runs ended in it."""

    sweep: SweepRecord
    counts: Counter[str]
    ended_lately: int
    remaining: timedelta | None

    @property
    def is_under_way(self) -> bool:
        return any(self.counts[state] for state in UNDER_WAY)


@dataclass(frozen=True)
class Overview:
    """Every run at or below some folders."""

    entries: list[Entry]
    sweeps: list[SweepState] = field(default_factory=list)

    @property
    def counts(self) -> Counter[str]:
        return Counter(entry.state for entry in self.entries)

    @property
    def is_under_way(self) -> bool:
        return any(entry.state in UNDER_WAY for entry in self.entries)

    def of(self, *states: str) -> list[Entry]:
        """The runs in one of these states, as they lie."""
        return [entry for entry in self.entries if entry.state in states]


def overview(places: Sequence[Path], at: datetime | None = None) -> Overview:
    """Every run at or below these folders, each once, and the sweeps they belong to.

    at: the present time, for tests. Raises ResultsError if a folder does not exist or holds neither run nor sweep.
    """
    folders: dict[Path, Path] = {}
    for place in places:
        if not place.is_dir():
            raise ResultsError(f"no such folder: {place}; give a run, an experiment or the results folder")
        for run in run_folders(place):
            folders.setdefault((path := run.below(place)).resolve(), path)
    experiments = {path.parent: None for path in folders.values()}
    experiments |= {sweep.parent: None for place in places for sweep in _sweep_folders(place)}
    whole = {place.resolve() for place in places}
    sweeps = read_sweeps([folder for folder in experiments if _is_below(folder, whole)])
    labels = {(sweep.folder / run.id).resolve(): run.label for sweep in sweeps for run in sweep.runs}
    entries = {real: Entry(path, labels.get(real, ""), _status(path)) for real, path in folders.items()}
    for sweep in sweeps:
        for run in sweep.runs:
            path = sweep.folder / run.id
            entries.setdefault(path.resolve(), Entry(path, run.label, _told_by_launcher(path)))
    if not entries:
        where = ", ".join(map(str, places))
        raise ResultsError(f"no run (a folder with a status.json) in {where}; give the folder of a run")
    ordered = sorted(entries.values(), key=lambda entry: entry.path)
    now = at or datetime.now(UTC)
    return Overview(ordered, [_state(sweep, entries, now) for sweep in sweeps])


def _sweep_folders(place: Path) -> Iterable[Path]:
    """Folders of sweeps of an experiment, or of the experiments of a results folder."""
    return [path for pattern in (FOLDER, f"*/{FOLDER}") for path in place.glob(pattern) if path.is_dir()]


def _is_below(folder: Path, whole: set[Path]) -> bool:
    """Whether the whole experiment was asked for, and not a run of it."""
    real = folder.resolve()
    return real in whole or any(parent in whole for parent in real.parents)


def _status(path: Path) -> Status:
    try:
        return read_status(path)
    except ResultsError as error:
        return Status("damaged", str(error))


def _told_by_launcher(path: Path) -> Status | None:
    """How a run ended that never came to write a record: a cancelled job, say; None if it may still be run."""
    try:
        content = json.loads((path.parent / FOLDER / "tasks" / f"{path.name}.outcome.json").read_text())
        return Status("failed" if content["state"] == "refused" else str(content["state"]), str(content["reason"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _state(sweep: SweepRecord, entries: dict[Path, Entry], now: datetime) -> SweepState:
    mine = [entries[(sweep.folder / run.id).resolve()] for run in sweep.runs]
    counts = Counter(entry.state for entry in mine)
    begun = max(_time(sweep.started) or now, now - RATE_OVER)
    lately = [e for e in mine if e.status and (ended := _time(e.status.ended)) and begun <= ended <= now]
    left = counts["queued"] + counts["running"]
    remaining = (now - begun) / len(lately) * left if lately and left else None
    return SweepState(sweep, counts, len(lately), remaining)


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
