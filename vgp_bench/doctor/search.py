"""The whole: judge the network as it is, try changes in rounds, rank them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from vgp_bench.diagnosis.finding import Diagnosis
from vgp_bench.doctor.bracket import SHARES, Bracket, best, bracket, pairs_of
from vgp_bench.doctor.changes import Change, pair, single_changes
from vgp_bench.doctor.scoring import score
from vgp_bench.doctor.trying import Attempt, Result, Trials
from vgp_bench.errors import ResultsError
from vgp_bench.plural import plural


@dataclass(frozen=True)
class Budget:
    """steps: of a full run; minutes: after which no run is begun; runs: most of them, finished earlier or not."""

    steps: int = 200
    minutes: float = 5.0
    runs: int = 40


@dataclass
class Search:
    """What a doctor does and finds. base: the network as it is; entrants: the changes there are, most promising first;
    found: results by the change's name, of the round in which it was last. Filled as it goes on, so that what is there
    can be told at any moment."""

    base: Change
    budget: Budget
    trials: Trials
    entrants: list[Change] = field(default_factory=list)
    bracket: Bracket | None = None
    before: list[Result] = field(default_factory=list)
    found: dict[str, list[Result]] = field(default_factory=dict)
    out_of_time: bool = False

    def examine(self) -> Diagnosis:
        """Trains the network as it is and judges it. Raises ResultsError if it comes to no result."""
        self._begun = time.monotonic()
        self.before = self._run([self._attempt(self.base, 1.0)], "as it is")
        if not self.before or self.before[0].diagnosis is None:
            reason = self.before[0].reason if self.before else "it was stopped"
            raise ResultsError(f"the network as it is came to no result: {reason}")
        return self.before[0].diagnosis

    def treat(self, tell: Callable[[str], None] = lambda line: None) -> None:
        """Tries changes until the rounds are over or the time is. Raises KeyboardInterrupt. tell: gets a line before
        the first of them."""
        (ill,) = self.before
        assert ill.diagnosis is not None
        assert ill.case is not None
        self.entrants = single_changes(self.base, ill.diagnosis, ill.case)
        if not self.entrants or self.budget.runs < 2:
            return
        plan = self.bracket = bracket(len(self.entrants), self.budget.runs - 1)
        tell(f"{plural(len(self.entrants), 'change', 'apply')}; up to {plural(plan.runs, 'run')}")
        self.trials.expect(1 + plan.runs)
        singles = self.entrants[: plan.first] or self.entrants[: plan.last]
        known = {one.name: one for one in singles}
        if plan.first:
            ahead = self._round(1, singles, plan.second)
            both = [pair(self.base, known[a], known[b]) for a, b in pairs_of(ahead, len(ahead) ** 2)]
            pairs = [one for one in both if one is not None][: plan.pairs]
            known |= {one.name: one for one in pairs}
            ahead = self._round(2, [*(known[name] for name in ahead), *pairs], plan.last)
        else:
            ahead = list(known)
        self._last_round([known[name] for name in ahead])

    def _round(self, number: int, changes: Sequence[Change], places: int) -> list[str]:
        """Who goes on. Where the time ran out, of those that were tried."""
        share = SHARES[number - 1]
        done = self._run([self._attempt(one, share) for one in changes], f"round {number} of 3", number / 3)
        self.found |= {result.attempt.change.name: [result] for result in done}
        return best({result.attempt.change.name: score(result.record) for result in done}, places)

    def _last_round(self, changes: Sequence[Change]) -> None:
        assert self.bracket is not None
        seeds = range(self.bracket.seeds)
        others = [self._attempt(self.base, 1.0, seed) for seed in seeds if seed]
        attempts = [self._attempt(one, 1.0, seed) for seed in seeds for one in changes]
        try:
            # Seed by seed: what time or Ctrl-C leaves is as even as can be.
            done = self._run([*attempts[: len(changes)], *others, *attempts[len(changes) :]], "round 3 of 3", 1.0)
        finally:
            done = [self.trials.results[one] for one in [*others, *attempts] if one in self.trials.results]
            self.before += [result for result in done if result.attempt.change is self.base]
            for one in changes:
                if mine := [result for result in done if result.attempt.change is one]:
                    self.found[one.name] = mine

    def _attempt(self, change: Change, share: float, seed: int = 0) -> Attempt:
        return Attempt(change, max(1, round(share * self.budget.steps)), self.base.composed.config["seed"] + seed)

    def _run(self, attempts: Sequence[Attempt], what: str, share: float | None = None) -> list[Result]:
        """share: of the time, after which none is begun; None: whatever it takes."""
        until = float("inf") if share is None else self._begun + 60 * self.budget.minutes * share
        try:
            done = self.trials.run(attempts, what, until)
        except KeyboardInterrupt:
            done = [self.trials.results[one] for one in attempts if one in self.trials.results]
            if share is not None and share < 1:
                self.found |= {result.attempt.change.name: [result] for result in done}
            raise
        self.out_of_time |= len(done) < len(attempts) and time.monotonic() >= until
        return done
