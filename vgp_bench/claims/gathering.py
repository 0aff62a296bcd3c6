"""Gets the evidence for a claim: what is on disk is read, the rest is run and measured first."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from vgp_bench.claims import measured
from vgp_bench.claims.cells import Cell, cells
from vgp_bench.claims.claim import Claim
from vgp_bench.claims.evidence import Evidence, Observed
from vgp_bench.errors import ConfigError, DataError, ResultsError
from vgp_bench.launchers.launcher import Progress, Task
from vgp_bench.outcome import ENDED_WELL, Outcome
from vgp_bench.plan import Plan, make_plan
from vgp_bench.records.reading import RunRecord, read_run
from vgp_bench.sweep_record import SweepRun, write_sweep

Advance = Callable[[int, int, str], None]
"""Told cells done, cells in all, and the one that comes."""


@dataclass
class Gathered:
    """evidence, and how it was come by. ran: runs and measurements that were not on disk; seconds: that took."""

    evidence: Evidence
    ran: int
    seconds: float


@dataclass
class Needed:
    """What a claim needs, and what of it is not there yet."""

    claim: Claim
    scale_name: str
    cells: list[Cell]
    plan: Plan | None
    tasks: list[Task]
    measurements: list[tuple[Cell, str, Path]]
    reason: str = ""
    reasons: dict[Path, str] = field(default_factory=dict)

    @property
    def todo(self) -> int:
        return len(self.tasks) + sum(measured.kept(place) is None for _, _, place in self.measurements)


def needed(
    claim: Claim, scale_name: str, seeds: int | None, words: Sequence[str], command: Sequence[str], broken: bool = False
) -> Needed:
    """What it needs, nothing run yet. What cannot be had here (a device, a data set) is the `reason`.

    Raises ConfigError if the claim's own words cannot be right.
    """
    scale = claim.scales[scale_name]
    made = cells(claim, scale, seeds or scale.seeds, words, broken)
    plan = make_plan([cell.composed for cell in made]) if scale.trained else None
    places = [(cell, name, measured.place_of(cell.composed, name)) for name in scale.measures for cell in made]
    return Needed(claim, scale_name, made, plan, plan.tasks(command) if plan else [], places)


def gather(what: Needed, command: Sequence[str], advance: Advance) -> Gathered:
    """Runs and measures what is not there, and reads all. Raises KeyboardInterrupt, what ended before it is kept;
    ResultsError if the disk refuses."""
    begun, todo, done = time.monotonic(), what.todo, 0
    if what.tasks and what.plan:
        with _recorded(what.plan, command):
            watch = _Watch(what.reasons, lambda number, label: advance(number, todo, label))
            what.plan.launcher.launch(what.tasks, watch)
            done = watch.number
    found: dict[tuple[str, int], measured.Measured] = {}
    lacking: dict[int, str] = {}
    for cell, name, place in what.measurements:
        values = measured.kept(place)
        if values is None:
            advance(done, todo, f"{cell.composed.label}, {name}")
            try:
                values = measured.take(cell.composed, name, place)
            except (ConfigError, DataError) as error:
                lacking[id(cell)] = str(error)
            done += 1
        if values is not None:
            found[name, id(cell)] = values
    advance(done, todo, "")
    observed = [_observed(what, number, found, lacking) for number in range(len(what.cells))]
    return Gathered(Evidence(what.claim, what.scale_name, observed), todo, time.monotonic() - begun)


def _observed(
    what: Needed, number: int, found: dict[tuple[str, int], measured.Measured], lacking: dict[int, str]
) -> Observed:
    cell = what.cells[number]
    values = {name: values for (name, key), values in found.items() if key == id(cell)}
    record, missing = (None, "") if what.plan is None else _record(what, what.plan, number + 1)
    return Observed(cell.arm, cell.point, cell.seed, record, values, missing or lacking.get(id(cell), ""))


def _record(what: Needed, plan: Plan, number: int) -> tuple[RunRecord | None, str]:
    """The record of the run of this number in the plan, or why there is none."""
    paths = {run.number: run.path for run in plan.runs}
    folder = plan.runs[0].path.parent
    path = paths[number] if number in paths else folder / plan.same_as[number][1]
    try:
        record = read_run(path)
    except ResultsError as error:
        return None, what.reasons.get(path, str(error))
    if record.state in ENDED_WELL:
        return record, ""
    return None, what.reasons.get(path, record.reason or record.state)


@contextmanager
def _recorded(plan: Plan, command: Sequence[str]) -> Iterator[None]:
    """The sweep is written down, so that `vgp-bench status` knows of it."""
    if len(plan.runs) > 1:
        entries = [SweepRun(run.id, run.composed.label, run.number) for run in plan.runs]
        write_sweep(plan.runs[0].path.parent, list(command), plan.launcher_name, entries)
    yield


class _Watch:
    """The watcher of the runs. See launchers.launcher.Watcher."""

    def __init__(self, reasons: dict[Path, str], told: Callable[[int, str], None]) -> None:
        self.reasons, self.told, self.number = reasons, told, 0

    def started(self, task: Task) -> Callable[[int], Progress]:
        self.told(self.number, task.composed.label)
        return lambda total_steps: lambda steps, loss: None

    def ended(self, task: Task, outcome: Outcome) -> bool:
        self.number += 1
        self.told(self.number, "")
        if outcome.state not in ENDED_WELL:
            self.reasons[task.path] = outcome.reason
        return not outcome.is_disk_full
