"""What has become of the runs of a results folder, read from any machine: counts, who runs, who failed, who waits.

A run of a sweep that nobody has begun is queued as long as somebody is there to run it: the sweep's process, the one
that a launcher has handed it to, or a cluster's queue, which is not asked. Else it is not started, and nothing waits.

Only status.json and the files of sweeps are read, of running runs the length of two tables too: 1,000 runs take a
fraction of a second.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vgp_bench.errors import ResultsError
from vgp_bench.records.contents import Known
from vgp_bench.records.folders import run_folders
from vgp_bench.records.reading import read_status
from vgp_bench.records.soundness import bare, damage
from vgp_bench.records.status import ENDED, Status
from vgp_bench.sweep_record import FOLDER, SweepRecord, holder, lives, read_sweeps

STATES = ("completed", "diverged", "failed", "interrupted", "lost", "damaged", "not started", "running", "queued")
UNDER_WAY = ("running", "queued")
ENDS = ("completed", "diverged", "failed")
WAITING = ("not started", "interrupted", "lost", "damaged")
"""Runs that the same command goes on with; of failed ones it depends on what was the matter."""
RATE_OVER = timedelta(hours=1)
"""Runs that ended so long ago at most say how fast a sweep goes on."""
SILENCE = timedelta(hours=1)
"""So long a process of another machine is believed to run its sweep though none of the runs gives a sign of life: the
first of them may load its data from far away."""


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
    """A sweep and its runs. ended_lately: those that came to their end in the last hour, by whatever call of its
    command; remaining: what the rate of the present call in that hour leaves, None if nothing ended in it or if nothing
    is under way."""

    sweep: SweepRecord
    counts: Counter[str]
    ended_lately: int
    remaining: timedelta | None

    @property
    def is_under_way(self) -> bool:
        return any(self.counts[state] for state in UNDER_WAY)

    @property
    def waiting(self) -> int:
        """Runs that nobody works on, though they have not come to their end."""
        return 0 if self.is_under_way else sum(self.counts[state] for state in WAITING)


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


NOT_STARTED = Status("not started", "whoever was to run it is gone; the same command goes on with it")


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
    texts: Known = {}
    entries = {real: Entry(path, labels.get(real, ""), _status(path, texts)) for real, path in folders.items()}
    now = at or datetime.now(UTC)
    for sweep in sweeps:
        is_silent = _is_silent(sweep, entries, now)
        for run in sweep.runs:
            path = sweep.folder / run.id
            known = entries.get(path.resolve())
            if known is None or known.state == NOT_STARTED.state:  # of several sweeps one may still have it to run
                told = _told_by_launcher(path) or (None if _is_awaited(path, sweep, is_silent) else NOT_STARTED)
                entries[path.resolve()] = Entry(path, run.label, told)
    if not entries:
        where = ", ".join(map(str, places))
        raise ResultsError(f"no run (a folder with a status.json) in {where}; give the folder of a run")
    ordered = sorted(entries.values(), key=lambda entry: entry.path)
    return Overview(ordered, [_state(sweep, entries, now) for sweep in sweeps])


def _sweep_folders(place: Path) -> Iterable[Path]:
    """Folders of sweeps of an experiment, or of the experiments of a results folder."""
    return [path for pattern in (FOLDER, f"*/{FOLDER}") for path in place.glob(pattern) if path.is_dir()]


def _is_below(folder: Path, whole: set[Path]) -> bool:
    """Whether the whole experiment was asked for, and not a run of it."""
    real = folder.resolve()
    return real in whole or any(parent in whole for parent in real.parents)


def _status(path: Path, texts: Known) -> Status:
    try:
        status = read_status(path)
    except ResultsError as error:
        return Status("damaged", bare(error))
    wrong = damage(path, texts, "ends") if status.state in ENDED else ""
    return replace(status, state="damaged", reason=wrong) if wrong else status


def _told_by_launcher(path: Path) -> Status | None:
    """How a run ended that never came to write a record: a cancelled job, say; None if it may still be run."""
    try:
        content = json.loads((path.parent / FOLDER / "tasks" / f"{path.name}.outcome.json").read_text())
        return Status("failed" if content["state"] == "refused" else str(content["state"]), str(content["reason"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_awaited(path: Path, sweep: SweepRecord, is_silent: bool) -> bool:
    """Whether somebody is there to run a run that is not begun."""
    held = holder(path)
    if held.get("engine") == "slurm":
        return True
    signs = [lives(held), lives(sweep.process)]
    return True in signs or (None in signs and not is_silent)


def _is_silent(sweep: SweepRecord, entries: dict[Path, Entry], now: datetime) -> bool:
    """Whether a sweep has given no sign of life lately."""
    found = [entries.get((sweep.folder / run.id).resolve()) for run in sweep.runs]
    known = [entry.status for entry in found if entry and entry.status]
    times = [_time(sweep.started), *(_time(text) for status in known for text in (status.started, status.ended))]
    is_running = any(status.state == "running" for status in known)
    return not is_running and not any(time and now - time < SILENCE for time in times)


def _state(sweep: SweepRecord, entries: dict[Path, Entry], now: datetime) -> SweepState:
    mine = [entries[(sweep.folder / run.id).resolve()] for run in sweep.runs]
    counts = Counter(entry.state for entry in mine)
    begun = max(_time(sweep.started) or now, now - RATE_OVER)
    # An interrupted run has still to be done.
    ends = [_time(entry.status.ended) for entry in mine if entry.status and entry.state in ENDS]
    lately = [end for end in ends if end and now - RATE_OVER <= end <= now]
    by_this_call = sum(end >= begun for end in lately)
    left = sum(counts[state] for state in UNDER_WAY)
    remaining = (now - begun) / by_this_call * left if by_this_call and left else None
    return SweepState(sweep, counts, len(lately), remaining)


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
