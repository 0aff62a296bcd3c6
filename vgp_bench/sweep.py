"""Runs one after another in this process: one that fails does not stop the others."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vgp_bench.config import ComposedRun
from vgp_bench.config_advice import advice
from vgp_bench.config_check import check
from vgp_bench.terminal import Bar, tell_all, tell_one

if TYPE_CHECKING:
    from vgp_bench.outcome import Outcome


class Sweep:
    """run_all() runs what was composed; exit_code then says how it went, finished where the results lie.

    0: every run ended with a result (a divergence is one); 1: a run failed; 2: a run was refused before its start.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.command = list(command)
        self.exit_code = 0
        self.finished: list[Path] = []

    def run_all(self, runs: Sequence[ComposedRun]) -> None:
        """Run them in order and tell of each. Ctrl-C ends them all; what ran is kept.

        Raises ConfigError, before anything runs, if a config of any run cannot be right.
        """
        outcomes: list[Outcome] = []
        for composed in runs:
            check(composed)  # a wrong word in the last run is told now, and not after all the others
        for line in dict.fromkeys(filter(None, map(advice, runs))):
            print(f"vgp-bench: note: {line}", file=sys.stderr)
        with Bar(len(runs), visible=runs[0].config["progress"]) as bar:
            bar.start(0, "loading torch")
            from vgp_bench.run import perform  # torch is imported here: only now is it sure that something runs

            for number, composed in enumerate(runs, 1):
                started = time.perf_counter()
                bar.start(number, composed.label)
                try:
                    outcome = perform(composed, self.command, bar.announce)
                except KeyboardInterrupt:
                    what = f"run {number} of {len(runs)}" if len(runs) > 1 else "the run"
                    bar.say(f"stopped in {what}: its rows are kept until the same command starts it again")
                    raise
                outcomes.append(outcome)
                bar.done(number, outcome, time.perf_counter() - started)
        self.finished = [outcome.path for outcome in outcomes if outcome.path and outcome.summary]
        states = {outcome.state for outcome in outcomes}
        self.exit_code = 2 if "refused" in states else 1 if "failed" in states else 0
        if len(outcomes) == 1:
            tell_one(outcomes[0])
        else:
            tell_all(outcomes, runs[0])
