"""What a person sees while runs run: bars on a terminal, a line for each run that ended, now and then counts."""

import math
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from vgp_bench.launchers.launcher import Progress, Task
from vgp_bench.outcome import ENDED_WELL, Outcome
from vgp_bench.plural import plural
from vgp_bench.wrapping import fitted

if TYPE_CHECKING:
    from vgp_bench.records.summary import Summary

MARKS = {
    "completed": "done",
    "kept": "kept",
    "diverged": "DIVERGED",
    "failed": "FAILED",
    "refused": "REFUSED",
    "interrupted": "STOPPED",
    "lost": "LOST",
    "damaged": "DAMAGED",
}

MOST_PADDED = 40
"""Settings shorter than that are padded to the same width."""

INTERVAL = 60.0
"""Least seconds between two lines of counts in a log file."""


class Board:
    """The watcher of a sweep, or of a single run: shows it and collects the outcomes.

    On a terminal a bar of runs and, where the steps of the only running one are seen, a bar of steps; in a log file no
    bars, but a line of counts every INTERVAL.
    """

    def __init__(self, total_runs: int, visible: bool, fail_fast: bool = False) -> None:
        self.total_runs, self.fail_fast = total_runs, fail_fast
        self.one_disk = True  # whether a full disk is that of every run
        self.outcomes: list[Outcome] = []
        self.failed = Counter[str]()
        self._running: dict[int, float] = {}
        self._before = 0
        self._begun = self._told = time.monotonic()
        hidden = None if visible else True  # None: tqdm looks whether this is a terminal
        self._visible = visible
        self._width = 0
        several = total_runs > 1
        self._runs = tqdm(total=total_runs, unit="run", disable=hidden if several else True, leave=False, smoothing=0)
        self._steps: tqdm[Any] = tqdm(unit="step", disable=hidden, leave=False, position=1 if several else 0)
        self._tells = several and visible and bool(self._runs.disable)

    def __enter__(self) -> "Board":
        return self

    def __exit__(self, *of_an_error: object) -> None:
        self._steps.close()
        self._runs.close()

    def wait(self) -> None:
        """Nothing runs yet, because torch is loaded."""
        if self._steps.disable and self._visible:
            say_that_torch_is_loaded(self.total_runs)
        self._steps.reset(total=0)
        self._steps.set_description_str("loading torch")

    def begin(self, runs: int, before: int) -> None:
        """There are so many runs, of which so many need not be run."""
        self.total_runs, self._before = runs, before
        self._runs.reset(total=runs - before)
        self._begun = self._told = time.monotonic()

    @property
    def ended_runs(self) -> int:
        """Runs that came to an end, in this sweep or before it."""
        return self._before + len(self.outcomes)

    def started(self, task: Task) -> Callable[[int], Progress]:
        """A run begins. See Watcher."""
        self._running[task.number] = time.perf_counter()
        self._show()
        self._steps.bar_format = "{desc}"  # until somebody counts its steps
        self._steps.reset(total=0)
        # A single run needs no name, and its words would leave no room for the bar.
        self._steps.set_description_str(task.composed.label[-50:] if self.total_runs > 1 else "training")

        def announce(total_steps: int) -> Progress:
            self._steps.bar_format = None
            self._steps.reset(total=total_steps)
            return done

        def done(steps: int, loss: float) -> None:
            if len(self._running) == 1:  # the steps of several at once would be nobody's
                self._steps.set_postfix_str(f"loss {loss:.3g}", refresh=False)
                self._steps.update(steps)
            self._tell_if_due()

        return announce

    def ended(self, task: Task, outcome: Outcome) -> bool:
        """A run ended; in a sweep this is worth a line. See Watcher."""
        seconds = time.perf_counter() - self._running.pop(task.number, time.perf_counter())
        self.outcomes.append(outcome)
        if outcome.state not in ENDED_WELL and not outcome.is_elsewhere:
            self.failed[outcome.state] += 1
        self._runs.update(1)
        self._show()
        if self.total_runs > 1 and not outcome.is_elsewhere:  # those are told together, in the end
            self.say(self._line(outcome, seconds))
        self._tell_if_due()
        return not (self.fail_fast and outcome.is_failure) and not (self.one_disk and outcome.is_disk_full)

    def _line(self, outcome: Outcome, seconds: float) -> str:
        """What became of a run. In a log file one line, for others to search; on a terminal as wide as that."""
        place = f"[{self.ended_runs:>{len(str(self.total_runs))}}/{self.total_runs}] {MARKS[outcome.state]:<8} "
        # Settings in a column of their own, as far as they are of similar length.
        label = outcome.label or "the run"
        self._width = max(self._width, min(len(label), MOST_PADDED))
        what = f"{label:<{self._width}}"
        line = f"{place}{what}  {figures(outcome)}  {seconds:.1f} s"
        return fitted(line, len(place))

    def say(self, line: str) -> None:
        """A line above the bars."""
        tqdm.write(line, file=sys.stdout)
        sys.stdout.flush()  # a log file of a long sweep should show it too

    def _show(self) -> None:
        words = [f"{len(self._running)} running"] if len(self._running) > 1 else []
        words += [f"{self.failed.total()} failed"] if self.failed else []
        self._runs.set_postfix_str(", ".join(words))

    def _tell_if_due(self) -> None:
        if not self._tells or time.monotonic() - self._told < INTERVAL:
            return
        self._told = time.monotonic()
        left = self.total_runs - self.ended_runs
        words = [f"{self.ended_runs} of {plural(self.total_runs, 'run')} ended", f"{len(self._running)} running"]
        words += [f"{self.failed.total()} failed"] if self.failed else []
        if self.outcomes and left:
            each = (self._told - self._begun) / len(self.outcomes)
            words.append(f"{each:.1f} s a run, about {duration(each * left)} left")
        self.say(", ".join(words))


def say_that_torch_is_loaded(runs: int) -> None:
    """A sign of life, on stderr, before what takes seconds; nothing if it takes none."""
    if "torch" not in sys.modules:
        print(f"{plural(runs, 'run')}, loading torch ...", file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """A time span in one or two units: 42 s, 12 min, 3 h 05 min, 2 d 4 h."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02} min"
    return f"{hours // 24} d {hours % 24} h"


def figures(outcome: Outcome) -> str:
    """The result in few words, for a column of them."""
    if outcome.state not in ENDED_WELL or outcome.summary is None:
        return outcome.reason
    accuracy = outcome.summary.test_accuracy
    learned = "no test accuracy" if math.isnan(accuracy) else f"test accuracy {accuracy:6.1%}"
    summary = outcome.summary
    if math.isnan(summary.initial_gradient_ratio) and not math.isnan(summary.initial_time_ratio):
        return f"{learned}, gradient first/last step {summary.initial_time_ratio:.1e}"
    return f"{learned}, gradient first/last {ratio(summary)}"


def ratio(summary: "Summary") -> str:
    """The gradient of the first layer by that of the last one, at the start."""
    ratio = summary.initial_gradient_ratio
    return "not measured" if math.isnan(ratio) else f"{ratio:.1e}"
