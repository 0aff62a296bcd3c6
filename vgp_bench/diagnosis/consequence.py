"""What became of the training: it goes well, hardly moves, stands still, fell back, or blew up.

A symptom without a consequence is a note: half the tools that watch gradients raise an alarm at networks that learn.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Consequence
from vgp_bench.diagnosis.thresholds import BETTER_ANSWERS, BLOWN_UP, FALLING, PROGRESS, RELAPSE, SETTLED, SLOW
from vgp_bench.diagnosis.trend import theil_sen

MOST_POINTS = 200
"""Losses that a trend is fitted to; the pairs of more would take longer than they tell."""


def consequence_of(case: Case) -> Consequence:
    """The consequence at the end of the record. Of fewer than SETTLED steps only a divergence is told."""
    steps, losses = case.column("steps", "step"), np.asarray(case.column("steps", "loss"), dtype=float)
    broken = np.flatnonzero(~np.isfinite(losses))
    if len(broken) or case.state == "diverged":
        since = int(steps[broken[0]]) if len(broken) else case.last_step
        return Consequence("divergence", since, f"the loss is no longer finite at step {since}")
    if len(losses) < SETTLED:
        return Consequence("none", -1, f"{len(losses)} steps: too few to tell")
    start = float(np.median(losses[:5]))
    before = min(start, case.chance_loss) if case.chance_loss > 0 else start
    if before == 0:  # nothing to learn from the start, or no loss at all: no share of it can be gained
        before = float(np.finfo(float).tiny)
    level = _medians(losses)
    now, best = float(level[-1]), float(level.min())
    half = max(SETTLED, len(losses) // 2)
    trend = Trend.of(steps[-half:], losses[-half:])
    gain = _gain_in_answers(case)
    if now > BLOWN_UP * before and trend.ahead(now) > before and gain < BETTER_ANSWERS:
        words = f"the loss is {now:.3g}, {now / before:.3g} times {_named(case, before)}"
        since = int(steps[_since(level > BLOWN_UP * before)])
        # Where it began up there it did not diverge: it never came down.
        return Consequence("divergence" if now > BLOWN_UP * start else "stall", since, words)
    relapse = best + RELAPSE * (before - best)
    back = Trend.of(steps[-SETTLED:], losses[-SETTLED:]).ahead(now) < relapse
    if before - best > PROGRESS * before and now > relapse and not back:
        words = f"the loss was down at {best:.3g} and is {now:.3g} again"
        return Consequence("regression", int(steps[_since(level > relapse)]), words)
    # Above chance a fall is no progress yet, only the way back from a bad start.
    learns = trend.falls if now < before else trend.ahead(now) < (1 - PROGRESS) * before
    if 1 - now / before < PROGRESS and not learns and gain < BETTER_ANSWERS:
        words = f"the loss is {now:.3g}, {_named(case, before)} {before:.3g}, and does not fall"
        return Consequence("stall", int(steps[_since(level > (1 - PROGRESS) * before)]), words)
    words = f"the loss went from {before:.3g} to {now:.3g}"
    if max(1 - now / before, gain) < SLOW and trend.ahead(now) > (1 - SLOW) * before:
        return Consequence("slow", int(steps[0]), f"{words}, and hardly falls")
    return Consequence("none", -1, words)


@dataclass(frozen=True)
class Trend:
    """Of the logarithm of the loss. falls: down, interval and all, by FALLING at least over its steps. factor: by what
    the loss changes over as many steps again as there were."""

    falls: bool
    factor: float

    @classmethod
    def of(cls, steps: NDArray[np.integer], losses: NDArray[np.floating]) -> "Trend":
        """The trend over these steps."""
        if (losses <= 0).any():  # a loss that may be negative has no logarithm; one that is 0 has arrived
            return cls(bool((losses == 0).any()), 1.0)
        thin = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), MOST_POINTS)).astype(int))
        line = theil_sen(steps[thin].astype(float), np.log(losses[thin]))
        length = float(steps[-1] - steps[0])
        return cls(bool(line.high < 0 and -line.slope * length > FALLING), float(np.exp(line.slope * 2 * length)))

    def ahead(self, now: float) -> float:
        """The loss after twice the steps looked at, if all goes on like this; never more than now."""
        return now * min(self.factor, 1.0)


def _medians(losses: NDArray[np.floating]) -> NDArray[np.floating]:
    """The median of the last SETTLED losses up to each step; at the beginning of as many as there are."""
    windows = np.lib.stride_tricks.sliding_window_view(losses, SETTLED)
    head = [float(np.median(losses[: n + 1])) for n in range(SETTLED - 1)]
    return np.concatenate([head, np.median(windows, axis=1)])


def _since(holds: NDArray[np.bool_]) -> int:
    """Where the run of True begins that lasts to the end."""
    false = np.flatnonzero(~holds)
    return int(false[-1]) + 1 if len(false) else 0


def _named(case: Case, before: float) -> str:
    return "chance" if before == case.chance_loss else "the start"


def _gain_in_answers(case: Case) -> float:
    """By how much the accuracy of the last SETTLED steps is above chance and above the first ones; 0 if in doubt."""
    accuracy = np.asarray(case.column("steps", "accuracy"), dtype=float)
    if not np.isfinite(accuracy).all():
        return 0.0
    recent = accuracy[-SETTLED:]
    # The most frequent answer is right at least as often as its share, which the loss of chance tells: e^-loss.
    chance = float(np.exp(-case.chance_loss)) if np.isfinite(case.chance_loss) else 0.0
    gain = float(recent.mean()) - max(float(accuracy[:5].mean()), chance)
    error = float(recent.std(ddof=1)) / SETTLED**0.5
    return gain if gain > 3 * error else 0.0
