"""Runs changes as recorded runs, by the launcher of the run; what is on record already is not run again."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from tqdm import tqdm

from vgp_bench.config import ComposedRun
from vgp_bench.diagnosis.case import Case, case_of
from vgp_bench.diagnosis.finding import Diagnosis
from vgp_bench.diagnosis.judge import diagnose
from vgp_bench.doctor.changes import Change
from vgp_bench.errors import ResultsError
from vgp_bench.launchers.launcher import Progress, Task
from vgp_bench.outcome import ENDED_WELL, Outcome
from vgp_bench.plan import Plan, make_plan
from vgp_bench.records.reading import RunRecord, read_run
from vgp_bench.sweep_record import SweepRun, write_sweep

PROBES = 10
"""Probed steps of a run, about."""
PROBE_IMAGES = 512
"""Size of the probe set where the run's own monitor has none."""


@dataclass(frozen=True)
class Attempt:
    """A change, trained for so many steps with this seed."""

    change: Change
    steps: int
    seed: int


@dataclass(frozen=True)
class Result:
    """How an attempt ended: with a record and the verdict on it, or without (reason)."""

    attempt: Attempt
    record: RunRecord | None = None
    case: Case | None = None
    diagnosis: Diagnosis | None = None
    reason: str = ""


class Trials:
    """All attempts of one doctor. results: of those that came to their end, by attempt; runs: how many were asked for,
    finished earlier or not."""

    def __init__(self, experiment: str, command: Sequence[str], visible: bool, total: int = 1) -> None:
        self.experiment, self.command = experiment, list(command)
        self.results: dict[Attempt, Result] = {}
        self.folder = Path()
        self.runs = 0
        self._bar = tqdm(total=total, unit="run", leave=False, smoothing=0, disable=None if visible else True)

    def __enter__(self) -> "Trials":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def expect(self, runs: int) -> None:
        """There will be so many runs, those asked for already included."""
        self._bar.total = runs
        self._bar.refresh()

    def run(self, attempts: Sequence[Attempt], what: str, until: float = float("inf")) -> list[Result]:
        """The results of those that came to their end; none is begun after `until` (time.monotonic).

        Raises KeyboardInterrupt; what ended before it is in `results`.
        """
        if not attempts:
            return []
        self._bar.set_description_str(what)
        plan = make_plan([self._composed(attempt) for attempt in attempts])
        self.folder = plan.runs[0].path.parent
        self.runs += len(attempts)
        reasons: dict[Path, str] = {}
        try:
            if (tasks := plan.tasks(self.command)) and time.monotonic() < until:
                if len(plan.runs) > 1:
                    self._record(plan)
                plan.launcher.launch(tasks, _Watch(self._advance, reasons, until))
        finally:
            self._collect(attempts, plan, reasons)
        self._bar.update(self.runs - self._bar.n)
        return [self.results[attempt] for attempt in attempts if attempt in self.results]

    def _composed(self, attempt: Attempt) -> ComposedRun:
        config = attempt.change.composed.config
        monitor = {
            "dense_steps": attempt.steps,
            "every": None,
            "probe_every": max(1, attempt.steps // PROBES),
            "probe_images": config["monitor"]["probe_images"] or PROBE_IMAGES,
        }
        trainer = {"max_steps": attempt.steps, "max_epochs": max(config["trainer"]["max_epochs"], attempt.steps)}
        config = {
            **config,
            "experiment_name": self.experiment,
            "seed": attempt.seed,
            "trainer": {**config["trainer"], **trainer},
            "monitor": {**config["monitor"], **monitor},
            "fail_fast": False,
        }
        return replace(attempt.change.composed, config=config, label=attempt.change.name)

    def _record(self, plan: Plan) -> None:
        entries = [SweepRun(run.id, run.composed.label, run.number) for run in plan.runs]
        write_sweep(self.folder, self.command, plan.launcher_name, entries)

    def _advance(self) -> None:
        if self._bar.n < self.runs:
            self._bar.update(1)

    def _collect(self, attempts: Sequence[Attempt], plan: Plan, reasons: dict[Path, str]) -> None:
        paths = {run.number: run.path for run in plan.runs}
        paths |= {number: self.folder / run_id for number, (_, run_id) in plan.same_as.items()}
        for number, attempt in enumerate(attempts, 1):
            path = paths[number]
            if (result := _result(attempt, path, reasons.get(path, ""))) is not None:
                self.results[attempt] = result


class _Watch:
    """The watcher of a batch. See launchers.launcher.Watcher."""

    def __init__(self, advance: Callable[[], None], reasons: dict[Path, str], until: float) -> None:
        self.advance, self.reasons, self.until = advance, reasons, until

    def started(self, task: Task) -> Callable[[int], Progress]:
        return lambda total_steps: lambda steps, loss: None

    def ended(self, task: Task, outcome: Outcome) -> bool:
        if outcome.state in ("failed", "refused", "lost"):
            self.reasons[task.path] = outcome.reason
        self.advance()
        return time.monotonic() < self.until


def _result(attempt: Attempt, path: Path, reason: str) -> Result | None:
    """What is on record of an attempt; None if it has not come to an end."""
    try:
        record = read_run(path)
        if record.state in ENDED_WELL:
            case = case_of(record)
            return Result(attempt, record, case, diagnose(case))
    except ResultsError as error:
        return Result(attempt, reason=reason or str(error)) if reason else None
    return Result(attempt, reason=reason) if reason else None
