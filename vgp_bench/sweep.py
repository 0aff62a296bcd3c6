"""A sweep from its plan to its end, wherever its runs are run: one that fails does not stop the others."""

import sys
from collections.abc import Sequence
from pathlib import Path

from vgp_bench.config import ComposedRun
from vgp_bench.config_advice import advice
from vgp_bench.errors import ConfigError, ResultsError
from vgp_bench.launchers.launcher import Detachable
from vgp_bench.outcome import ENDED_WELL, Outcome
from vgp_bench.plan import Plan, make_plan
from vgp_bench.progress import Board
from vgp_bench.records.reading import read_status, read_summary
from vgp_bench.sweep_record import SweepRun, write_sweep
from vgp_bench.terminal import tell_all, tell_one


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
        with Board(len(runs), visible=runs[0].config["progress"]) as board:
            board.wait("loading torch")
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
            if tasks and not single:
                self._record(plan)
            board.begin(len(plan.runs), len(earlier))
            board.fail_fast = plan.fail_fast
            try:
                if tasks:
                    plan.launcher.launch(tasks, board)
            except KeyboardInterrupt:
                what = "in the run" if single else f"after {board.ended_runs} of {len(plan.runs)} runs"
                board.say(f"stopped {what}: the same command goes on from there")
                raise
        outcomes = [*earlier, *map(_looked_at_again, board.outcomes)]
        self._end(plan, outcomes)

    def _end(self, plan: Plan, outcomes: Sequence[Outcome]) -> None:
        not_started = len(plan.runs) - len(outcomes)
        self.finished = [outcome.path for outcome in outcomes if outcome.path and outcome.state in ENDED_WELL]
        states = {outcome.state for outcome in outcomes}
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
            print(line)
        if tasks := plan.tasks(self.command):
            self._record(plan)
            print(plan.launcher.detach(tasks))
            print(f"Progress: vgp-bench status {plan.runs[0].path.parent}; the same command picks the sweep up")

    def _record(self, plan: Plan) -> None:
        folders: dict[Path, list[SweepRun]] = {}
        for run in plan.runs:
            entry = SweepRun(run.id, run.composed.label, run.number)
            folders.setdefault(run.path.parent, []).append(entry)
        for folder, entries in folders.items():
            write_sweep(folder, self.command, plan.launcher_name, entries)


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
