"""What a sweep has to run: each run once, what is there already, what is taken up again. Nothing is written."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from vgp_bench.config import ComposedRun
from vgp_bench.config_check import check
from vgp_bench.errors import ConfigError, ResultsError
from vgp_bench.launchers.launcher import Launcher, Task
from vgp_bench.outcome import Outcome
from vgp_bench.plural import plural
from vgp_bench.records.contents import Known
from vgp_bench.records.identity import run_id
from vgp_bench.records.reading import read_status
from vgp_bench.records.soundness import bare, damage
from vgp_bench.records.status import ENDED, Status
from vgp_bench.records.store import run_path

RETRIES = ("never", "failed", "all")
OF_THE_SWEEP = ("launcher", "jobs", "retry", "fail_fast")
"""Keys of which a sweep can have only one value."""

Found = Literal["new", "finished", "resume", "retry", "damaged", "running", "left"]
"""What to do with a run. finished: nothing; left: nothing, though it did not complete (retry=never); running: another
process has it in hand; resume: it was broken off; retry: it failed, and starts anew; damaged: it is run again, because
its record, of a run that had ended or may have, cannot be read."""


@dataclass(frozen=True)
class PlannedRun:
    """One run of the sweep and what is there of it. number: its place in the sweep, from 1; status: damaged, with what
    is wrong, for a record that cannot be read."""

    number: int
    composed: ComposedRun
    path: Path
    found: Found
    status: Status | None = None

    @property
    def id(self) -> str:
        return self.path.name

    def outcome(self) -> Outcome:
        """How it ended earlier, for a run that is not run now."""
        state, reason = (self.status.state, self.status.reason) if self.status else ("failed", "")
        label = self.composed.label
        if self.found == "finished":
            return Outcome(label, "kept", self.path, state)
        return Outcome(label, state, self.path, f"{reason or state} (left so: retry=never)")


@dataclass(frozen=True)
class Plan:
    """The runs of a sweep, each once, in order.

    same_as: number of a run that is left out -> its label, and the id of the equal one that stands for it.
    """

    runs: list[PlannedRun]
    same_as: dict[int, tuple[str, str]]
    launcher: Launcher
    launcher_name: str
    fail_fast: bool

    def tasks(self, command: Sequence[str]) -> list[Task]:
        """What has to be run; what another process has in hand last, for it may be finished until then."""
        todo = [run for run in self.runs if run.found not in ("finished", "left")]
        todo.sort(key=lambda run: run.found == "running")
        return [Task(run.number, run.composed, run.path, list(command)) for run in todo]

    def earlier(self) -> list[Outcome]:
        """The runs that are not run, as they ended earlier."""
        return [run.outcome() for run in self.runs if run.found in ("finished", "left")]

    def lines(self) -> list[str]:
        """What a person should know of it before it starts."""
        count = Counter(run.found for run in self.runs)
        diverged = Counter(run.found for run in self.runs if run.status and run.status.state == "diverged")
        lines = []
        if count["finished"]:
            lines.append(f"{count['finished']} of {plural(len(self.runs), 'run')} finished earlier and not run again")
        if diverged["finished"]:
            lines.append(f"of these {diverged['finished']} diverged (retry=all runs such again)")
        failed = count["retry"] - diverged["retry"]
        taken_up = [
            f"{count['resume']} broken off earlier, resumed" if count["resume"] else "",
            f"{failed} failed earlier, run again" if failed else "",
            f"{diverged['retry']} diverged earlier, run again (retry=all)" if diverged["retry"] else "",
            f"{count['damaged']} damaged, run again" if count["damaged"] else "",
            f"{count['left']} did not complete and left so (retry=never)" if count["left"] else "",
        ]
        lines += [", ".join(filter(None, taken_up))] if any(taken_up) else []
        lines += [f"  damaged: {run.status.reason}" for run in self.runs if run.found == "damaged" and run.status]
        if self.same_as:
            lines.append(f"{plural(len(self.same_as), 'run')} the same as another one of this sweep, run once")
        return lines


def make_plan(runs: Sequence[ComposedRun]) -> Plan:
    """Checks every run and looks what is there of it.

    Raises ConfigError if a config of any run cannot be right, or asks for a device that there is not.
    """
    for composed in runs:
        check(composed)  # a wrong word in the last run is told now, and not after all the others
    from vgp_bench.building import settled  # torch: the targets were looked up in it just now
    from vgp_bench.making import make

    first = runs[0].config
    for key in OF_THE_SWEEP:
        if any(composed.config.get(key) != first.get(key) for composed in runs):
            raise ConfigError(f"{key}: one for the whole sweep; give it a single value")
    if first["retry"] not in RETRIES:
        raise ConfigError(f"retry={first['retry']}: use {', '.join(RETRIES[:-1])} or {RETRIES[-1]}")
    option = first["launcher"]
    launcher: Launcher = make(option)
    planned: dict[Path, PlannedRun] = {}
    same_as = {}
    known: Known = {}
    for number, asked in enumerate(runs, 1):
        # Resolved here and for good: the machine that runs it must not come to another name for it.
        composed = replace(asked, config={**asked.config, "device": launcher.device_of(asked.config["device"])})
        config = settled(composed.config)
        path = run_path(config["results_dir"], config["experiment_name"], run_id(config))
        if path in planned:
            same_as[number] = composed.label, planned[path].id
            continue
        found, status = look(path, first["retry"], known)
        planned[path] = PlannedRun(number, composed, path, found, status)
    return Plan(list(planned.values()), same_as, launcher, _name(option), first["fail_fast"])


def look(path: Path, retry: str, known: Known | None = None) -> tuple[Found, Status | None]:
    """What is to be done with the run of this folder, and its status if it has one. known: see read_contents."""
    status = _status(path, {} if known is None else known, retry == "all")
    if status is None:
        return "new", None
    if status.state == "completed" or (status.state == "diverged" and retry != "all"):
        return "finished", status
    if status.state == "running":
        return "running", status
    if retry == "never":
        return "left", status
    if status.state == "damaged":
        return "damaged", status
    return ("retry" if status.state in ("failed", "diverged") else "resume"), status


def _status(path: Path, known: Known, thorough: bool) -> Status | None:
    """The status as observed now, or that the record is damaged; None if there is none."""
    try:
        status = read_status(path)
    except ResultsError as error:
        return Status("damaged", bare(error)) if os.path.lexists(path / "status.json") else None
    if status.state in ENDED and (wrong := damage(path, known, "rows" if thorough else "columns")):
        return replace(status, state="damaged", reason=wrong)
    return status


def _name(option: dict[str, Any]) -> str:
    return str(option["_target_"].rpartition(".")[2].lower())
