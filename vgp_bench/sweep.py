"""A sweep from its plan to its end, wherever its runs are run: one that fails does not stop the others."""

import contextlib
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from vgp_bench.config import ComposedRun
from vgp_bench.config_advice import advice
from vgp_bench.errors import ConfigError, ResultsError, UserError
from vgp_bench.launchers.launcher import STOPPED, Detachable, Task
from vgp_bench.outcome import ENDED_WELL, Outcome
from vgp_bench.plan import Plan, make_plan
from vgp_bench.progress import Board
from vgp_bench.records.reading import read_status, read_summary
from vgp_bench.sweep_record import FOLDER, SweepRun, write_sweep
from vgp_bench.terminal import tell_all, tell_one, tell_unfinished


class Sweep:
    """run_all() runs what was composed; exit_code then says how it went, finished where the results lie.

    0: every run ended with a result (a divergence is one); 1: a run did not complete; 2: a run was refused.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.command = list(command)
        self.exit_code = 0
        self.finished: list[Path] = []

    def run_all(self, runs: Sequence[ComposedRun], detach: bool = False) -> None:
        """Run what is not finished and tell of each. Ctrl-C ends them all; what ran is kept.

        detach: hand them over and return. Raises ConfigError, before anything runs, if a config of any run cannot be
        right, or if the launcher cannot detach.
        """
        stopped: KeyboardInterrupt | None = None
        with Board(len(runs), visible=runs[0].config["progress"]) as board:
            board.wait()
            plan = make_plan(runs)
            for line in dict.fromkeys(filter(None, map(advice, runs))):
                print(f"vgp-bench: note: {line}", file=sys.stderr)
            if detach:
                self._detach(plan)
                return
            single = len(runs) == 1
            tasks, earlier = plan.tasks(self.command), plan.earlier()
            for line in plan.lines() if not single else []:
                board.say(line)
            fresh = self._record(plan) if tasks and not single else []
            board.begin(len(plan.runs), len(earlier))
            board.fail_fast = plan.fail_fast
            board.one_disk = len({run.path.parent for run in plan.runs}) == 1
            try:
                if tasks:
                    plan.launcher.launch(tasks, board)
            except UserError:
                if not board.outcomes:
                    _take_back(fresh)
                raise
            except KeyboardInterrupt as stop:
                board.say(_stopped(plan, tasks, board.ended_runs))
                stopped = stop
        outcomes = [*earlier, *map(_looked_at_again, board.outcomes)]
        if stopped:
            # What only the stop broke off goes on as it is; of the rest, nobody may look at the lines above any more.
            wrong = [one for one in outcomes if one.state not in ENDED_WELL and STOPPED not in one.reason]
            tell_unfinished(wrong)
            raise stopped
        self._end(plan, outcomes)

    def _end(self, plan: Plan, outcomes: Sequence[Outcome]) -> None:
        not_started = len(plan.runs) - len(outcomes)
        self.finished = [outcome.path for outcome in outcomes if outcome.path and outcome.state in ENDED_WELL]
        # What another process has in hand is no failure of this sweep; a single run that was asked for is not there.
        states = {one.state for one in outcomes if not one.is_elsewhere or len(plan.runs) == 1}
        bad = not_started or states - {*ENDED_WELL, "refused"}
        self.exit_code = 2 if "refused" in states else 1 if bad else 0
        if len(plan.runs) == 1 and not plan.same_as:
            (outcome,) = outcomes
            if outcome.state == "kept" and outcome.summary is None and outcome.path:
                outcome = Outcome(outcome.label, "kept", outcome.path, outcome.reason, read_summary(outcome.path))
            tell_one(outcome)
        else:
            tell_all(outcomes, plan.runs[0].path.parent, not_started, len(plan.same_as))

    def _detach(self, plan: Plan) -> None:
        if not isinstance(plan.launcher, Detachable):
            raise ConfigError(f"--detach: launcher={plan.launcher_name} cannot detach; use launcher=local or slurm")
        for line in plan.lines():
            print(line, flush=True)
        if tasks := plan.tasks(self.command):
            fresh = self._record(plan)
            try:
                print(plan.launcher.detach(tasks))
            except UserError:
                _take_back(fresh)
                raise
            print(f"Progress: vgp-bench status {plan.runs[0].path.parent}; the same command picks the sweep up")

    def _record(self, plan: Plan) -> list[Path]:
        """Writes the file of the sweep; returns the folders that were made for it, the innermost last."""
        folders: dict[Path, list[SweepRun]] = {}
        for run in plan.runs:
            entry = SweepRun(run.id, run.composed.label, run.number)
            folders.setdefault(run.path.parent, []).append(entry)
        places = [part for folder in folders for part in (folder.parent, folder, folder / FOLDER)]
        fresh = [place for place in dict.fromkeys(places) if not place.exists()]
        for folder, entries in folders.items():
            write_sweep(folder, self.command, plan.launcher_name, entries)
        return fresh


def _take_back(fresh: Sequence[Path]) -> None:
    """A sweep that was refused leaves nothing: of these folders, its own with all that is in it, others if empty."""
    for folder in reversed(fresh):
        if folder.name == FOLDER:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _stopped(plan: Plan, tasks: Sequence[Task], ended: int) -> str:
    """Where Ctrl-C stopped it, in words."""
    if not ended and not any((task.path / "status.json").exists() for task in tasks):
        return "stopped before the first step: the same command begins anew"
    what = (
        "in the run"
        if len(plan.runs) == 1
        else f"after {ended} of {len(plan.runs)} runs"
        if ended
        else "in the first run"
    )
    return f"stopped {what}: the same command goes on from there"


def _looked_at_again(outcome: Outcome) -> Outcome:
    """A run that another process had in hand may have been finished by it meanwhile."""
    if outcome.is_elsewhere and outcome.path:
        try:
            status = read_status(outcome.path)
            if status.state in ENDED_WELL:
                return Outcome(outcome.label, "kept", outcome.path, status.state, read_summary(outcome.path))
        except ResultsError:
            pass  # it is just being cleared
    return outcome
