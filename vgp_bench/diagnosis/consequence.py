"""What became of the training: it goes well, stands still, fell back, or blew up.

A symptom without a consequence is a note: half the tools that watch gradients raise an alarm at networks that learn.
"""

import numpy as np
from numpy.typing import NDArray

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Consequence
from vgp_bench.diagnosis.thresholds import (
    BETTER_ANSWERS,
    BLOWN_UP,
    FALLING,
    PROGRESS,
    RELAPSE,
    SETTLED,
)
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
    level = _medians(losses)
    now = float(level[-1])
    worse = BLOWN_UP * max(start, case.chance_loss if np.isfinite(case.chance_loss) else start)
    if now > worse:
        since = int(steps[_since(level > worse)])
        return Consequence("divergence", since, f"the loss is {now:.3g}, {now / start:.1f} times that of the start")
    before = min(start, case.chance_loss) if case.chance_loss > 0 else start
    best = float(level.min())
    learned = before - best
    back = _falls(steps[-SETTLED:], losses[-SETTLED:], FALLING)  # on its way down again
    if learned > PROGRESS * before and now > best + RELAPSE * learned and not back:
        since = int(steps[_since(level > best + RELAPSE * learned)])
        return Consequence("regression", since, f"the loss was down at {best:.3g} and is {now:.3g} again")
    # Above chance a fall is no progress yet, only the way back from a bad start; unless it is a steep one.
    enough = FALLING if now < before else PROGRESS
    half = slice(-max(SETTLED, len(losses) // 2), None)
    if 1 - now / before >= PROGRESS or _falls(steps[half], losses[half], enough) or _answers_better(case):
        return Consequence("none", -1, f"the loss went from {before:.3g} to {now:.3g}")
    since = int(steps[_since(level > (1 - PROGRESS) * before)])
    what = "chance" if before == case.chance_loss else "the start"
    return Consequence("stall", since, f"the loss is {now:.3g}, {what} {before:.3g}, and does not fall")


def _medians(losses: NDArray[np.floating]) -> NDArray[np.floating]:
    """The median of the last SETTLED losses up to each step; at the beginning of as many as there are."""
    windows = np.lib.stride_tricks.sliding_window_view(losses, SETTLED)
    head = [float(np.median(losses[: n + 1])) for n in range(SETTLED - 1)]
    return np.concatenate([head, np.median(windows, axis=1)])


def _since(holds: NDArray[np.bool_]) -> int:
    """Where the run of True begins that lasts to the end."""
    false = np.flatnonzero(~holds)
    return int(false[-1]) + 1 if len(false) else 0


def _falls(steps: NDArray[np.integer], losses: NDArray[np.floating], enough: float) -> bool:
    """Whether the trend points down, interval and all, and takes away this share of the loss."""
    x, y = steps.astype(float), losses
    if (y <= 0).any():  # a loss that may be negative has no logarithm; 0 cannot stall
        return bool((y == 0).any())
    thin = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).astype(int))
    line = theil_sen(x[thin], np.log(y[thin]))
    return bool(line.high < 0 and -line.slope * (x[-1] - x[0]) > enough)


def _answers_better(case: Case) -> bool:
    """Whether the accuracy of the last SETTLED steps is above that of the first ones, beyond doubt and by enough."""
    accuracy = np.asarray(case.column("steps", "accuracy"), dtype=float)
    recent, first = accuracy[-SETTLED:], accuracy[:5]
    if not np.isfinite(accuracy).all():
        return False
    start = max(float(first.mean()), _most_frequent(case))
    error = float(recent.std(ddof=1)) / SETTLED**0.5
    return bool(recent.mean() - start > max(BETTER_ANSWERS, 3 * error))


def _most_frequent(case: Case) -> float:
    """The accuracy of always giving the most frequent answer, as the loss of chance tells it at least: e^-loss."""
    return float(np.exp(-case.chance_loss)) if np.isfinite(case.chance_loss) else 0.0
