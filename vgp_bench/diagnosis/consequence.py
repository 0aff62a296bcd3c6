"""What became of the training: it goes well, hardly moves, stands still, fell back, or blew up.

A symptom without a consequence is a note: half the tools that watch gradients raise an alarm at networks that learn.
What falls towards chance from above gets there by the best answer that ignores the input: a network with a symptom has
learned nothing by it.
"""

import numpy as np
from numpy.typing import NDArray

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.course import Course, Trend, began
from vgp_bench.diagnosis.finding import Consequence
from vgp_bench.diagnosis.thresholds import (
    BETTER_ANSWERS,
    BLOWN_UP,
    FAR_OFF,
    FIRST,
    NOISE,
    PROGRESS,
    RELAPSE,
    SETTLED,
    SLOW,
)
from vgp_bench.plural import plural


def consequence_of(case: Case) -> Consequence:
    """The consequence at the end of the record. Of fewer than SETTLED steps only a divergence is told."""
    steps, losses = case.column("steps", "step"), np.asarray(case.column("steps", "loss"), dtype=float)
    broken = np.flatnonzero(~np.isfinite(losses))
    if len(broken) or case.state == "diverged":
        since = int(steps[broken[0]]) if len(broken) else case.last_step
        return Consequence("divergence", since, f"the loss is no longer finite at step {since}")
    if len(losses) < SETTLED:
        return Consequence("none", -1, f"{plural(len(losses), 'step')}: too few to tell")
    if (losses < 0).any():
        return _of_signed(case, steps, losses)
    return _of_positive(case, steps, losses)


def _of_positive(case: Case, steps: NDArray[np.integer], losses: NDArray[np.floating]) -> Consequence:
    """Of a loss whose best value is 0, so that a share of it can be gained: cross-entropy, squared error."""
    course = Course.of(losses)
    start, now, best, level = course.start, course.now, course.best, course.level
    before = start
    if 0 < case.chance_loss < start + NOISE * course.start_error:  # a start below chance that may be noise is chance
        before = case.chance_loss
    if before == 0:  # nothing to learn from the start, or no loss at all: no share of it can be gained
        before = float(np.finfo(float).tiny)
    half = max(SETTLED, len(losses) // 2)
    trend = Trend.of(steps[-half:], losses[-half:])
    gain = _gain_in_answers(case)
    knows = gain >= SLOW or (gain >= BETTER_ANSWERS and now < before)
    returning = now < FAR_OFF * before and trend.ahead(now) <= before
    if now > BLOWN_UP * before and not returning and not knows:
        words = f"the loss is {now:.3g}, {now / before:.3g} times {_named(case, before)}"
        since = int(steps[began(level > BLOWN_UP * before)])
        # Where it began up there it did not diverge: it never came down.
        return Consequence("divergence" if now > BLOWN_UP * start else "stall", since, words)
    relapse = best + RELAPSE * (before - best)
    back = Trend.of(steps[-SETTLED:], losses[-SETTLED:]).ahead(now) < relapse
    learned = before - best > max(PROGRESS * before, 2 * NOISE * course.error)  # twice, as the best of many windows
    if learned and now > relapse and not back:
        words = f"the loss was down at {best:.3g} and is {now:.3g} again"
        return Consequence("regression", int(steps[began(level > relapse)]), words)
    # Above chance a fall is no progress yet, only the way back from a bad start.
    learns = trend.falls if now < before else trend.ahead(now) < (1 - PROGRESS) * before
    gone = before - now > max(PROGRESS * before, NOISE * course.error)
    # Perhaps before this training began; false where chance is unknown.
    arrived = now < (1 - SLOW) * case.chance_loss or _answers_above(case.chance_accuracy, case) >= SLOW
    if not gone and not learns and not knows and not arrived:
        words = f"the loss is {now:.3g}, {_named(case, before)} {before:.3g}, and does not fall"
        return Consequence("stall", int(steps[began(level > (1 - PROGRESS) * before)]), words)
    words = f"the loss went from {start:.3g} to {now:.3g}"
    shown = max(1 - now / before, gain) >= SLOW or arrived
    # A fall leads as far as the best answer that ignores the input; only below it does it show where it will end.
    gets_there = now < before and trend.ahead(now) <= (1 - SLOW) * before
    if not shown and not gets_there:
        far = "little for" if now < before else f"no better than {_named(case, before)} after"
        return Consequence("slow", int(steps[0]), f"{words}, {far} {plural(len(losses), 'step')}", shown)
    return Consequence("none", -1, words, shown)


def _of_signed(case: Case, steps: NDArray[np.integer], losses: NDArray[np.floating]) -> Consequence:
    """Of a loss that goes below 0: nobody knows its best value, so what counts is whether it left its noise."""
    course = Course.of(losses)
    fall = course.start - course.now
    size = max(abs(course.start), NOISE * course.error)
    words = f"the loss went from {course.start:.3g} to {course.now:.3g}"
    if -fall > BLOWN_UP * size:
        return Consequence("divergence", int(steps[began(course.level > course.start + BLOWN_UP * size)]), words)
    if fall > NOISE * course.error:
        return Consequence("none", -1, words, shown=_gain_in_answers(case) >= SLOW)
    return Consequence("stall", int(steps[0]), f"{words}: no further than its noise")


def _named(case: Case, before: float) -> str:
    return "chance" if before == case.chance_loss else "the start"


def _gain_in_answers(case: Case) -> float:
    """By how much the accuracy of the last SETTLED steps is above chance and above the first ones; 0 if in doubt."""
    first = float(case.column("steps", "accuracy")[:FIRST].mean())
    return _answers_above(max(first, _accuracy_of_chance(case)), case)


def _answers_above(level: float, case: Case) -> float:
    """By how much that accuracy is above this level; 0 if in doubt, as of an unknown one."""
    accuracy = np.asarray(case.column("steps", "accuracy"), dtype=float)
    if not np.isfinite(accuracy).all():
        return 0.0
    recent = accuracy[-SETTLED:]
    gain = float(recent.mean()) - level
    error = float(recent.std(ddof=1)) / SETTLED**0.5
    return gain if gain > NOISE * error else 0.0


def _accuracy_of_chance(case: Case) -> float:
    """That of the most frequent answer; where it is unknown, what the loss of chance tells at least: e^-loss."""
    if np.isfinite(case.chance_accuracy):
        return case.chance_accuracy
    return float(np.exp(-case.chance_loss)) if np.isfinite(case.chance_loss) else 0.0
