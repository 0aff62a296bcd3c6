"""What a person at the terminal sees of running runs: a bar with rate and remaining time, a line for each, an end."""

import math
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from vgp_bench.config import ComposedRun

if TYPE_CHECKING:
    from vgp_bench.outcome import Outcome
    from vgp_bench.records.summary import Summary

_MARKS = {"completed": "done", "kept": "kept", "diverged": "DIVERGED", "failed": "FAILED", "refused": "REFUSED"}
_WORDS = {
    "completed": "completed",
    "kept": "finished earlier and not run again",
    "diverged": "diverged",
    "failed": "failed",
    "refused": "refused before the start",
}


class Bar:
    """The steps of the present run, and in a sweep the runs too. Shown on a terminal only, never in a log file."""

    def __init__(self, total_runs: int, visible: bool) -> None:
        self.total_runs = total_runs
        hidden = None if visible else True  # None: tqdm looks whether this is a terminal
        self.runs = tqdm(total=total_runs, unit="run", disable=hidden if total_runs > 1 else True, leave=False)
        self.steps: tqdm[Any] = tqdm(unit="step", disable=hidden, leave=False, position=1 if total_runs > 1 else 0)
        self.number = 0

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *of_an_error: object) -> None:
        self.steps.close()
        self.runs.close()

    def start(self, number: int, label: str) -> None:
        """A run begins (number counts from 1; 0: none yet)."""
        self.number = number
        self.steps.reset(total=0)
        # A single run needs no name, and its words would leave no room for the bar.
        self.steps.set_description_str(label[-50:] if self.total_runs > 1 or number == 0 else "training")

    def announce(self, total_steps: int) -> Callable[[int, float], None]:
        """The run has so many steps; returns what to call as they are done."""
        self.steps.reset(total=total_steps)

        def done(steps: int, loss: float) -> None:
            self.steps.set_postfix_str(f"loss {loss:.3g}", refresh=False)
            self.steps.update(steps)

        return done

    def done(self, number: int, outcome: "Outcome", seconds: float) -> None:
        """A run ended; in a sweep this is worth a line."""
        self.runs.update(1)
        if self.total_runs > 1:
            width = len(str(self.total_runs))
            place = f"[{number:>{width}}/{self.total_runs}] {_MARKS[outcome.state]:<8}"
            if outcome.state in ("failed", "refused"):
                self.say(f"{place} {outcome.label}  {outcome.reason}  {seconds:.1f} s")
            else:
                self.say(f"{place} {_figures(outcome):<46} {seconds:>6.1f} s  {outcome.label}")

    def say(self, line: str) -> None:
        """A line above the bars."""
        tqdm.write(line, file=sys.stdout)
        sys.stdout.flush()  # a log file of a long sweep should show it too


def tell_all(outcomes: Sequence["Outcome"], first: ComposedRun) -> None:
    """The end of a sweep: counts, where the table is, and every run that did not end well, by name and reason."""
    states = Counter(outcome.state for outcome in outcomes)
    folder = Path(first.config["results_dir"]) / first.config["experiment_name"]
    counts = ", ".join(f"{count} {_WORDS[state]}" for state, count in states.items())
    print(f"{len(outcomes)} runs: {counts}. Table: vgp-bench compare {folder}")
    for outcome in outcomes:
        if outcome.state in ("failed", "refused"):
            print(f"{outcome.state}: {outcome.label}: {outcome.reason}", file=sys.stderr)


def tell_one(outcome: "Outcome") -> None:
    """The end of a single run."""
    if outcome.state == "refused":
        print(f"vgp-bench: {outcome.reason}", file=sys.stderr)
        return
    if outcome.state == "failed":
        print(f"vgp-bench: the run failed: {outcome.reason} (see {outcome.path})", file=sys.stderr)
        return
    if outcome.state == "kept":
        print(f"This run finished earlier and is not run again; remove {outcome.path} to repeat it.")
    print(_result(outcome))
    print(f"Table: vgp-bench compare {outcome.path}")


def _figures(outcome: "Outcome") -> str:
    """The result in few words, for a column of them."""
    if outcome.state in ("failed", "refused") or outcome.summary is None:
        return outcome.reason
    accuracy = outcome.summary.test_accuracy
    learned = "no test accuracy" if math.isnan(accuracy) else f"test accuracy {accuracy:6.1%}"
    return f"{learned}, gradient first/last {_ratio(outcome.summary)}"


def _result(outcome: "Outcome") -> str:
    if outcome.state in ("failed", "refused") or outcome.summary is None:
        return outcome.reason
    summary = outcome.summary
    if math.isnan(summary.test_accuracy):
        learned = outcome.reason if outcome.state == "kept" else f"diverged: {outcome.reason}"
    else:
        learned = f"test accuracy {summary.test_accuracy:.1%} (chance {summary.chance_accuracy:.1%}), "
        if not math.isnan(summary.validation_accuracy):
            # Beside the test: a task may ask for more there, longer sequences say, than in training.
            learned += f"validation accuracy {summary.validation_accuracy:.1%}, "
        learned += f"test loss {summary.test_loss:.3g} (chance {summary.chance_loss:.3g})"
    lines = [f"{learned}, gradient of first/last layer {_ratio(summary)} at the start"]
    if not math.isnan(summary.initial_decay_per_step):
        low, high = summary.initial_decay_per_step_low, summary.initial_decay_per_step_high
        lines.append(
            f"Gradient through time at the start: x {summary.initial_decay_per_step:.3f} a step further back "
            f"({low:.3f} ... {high:.3f}, without the last three steps), "
            f"first/last step {summary.initial_time_ratio:.1e}"
        )
    return "\n".join(lines)


def _ratio(summary: "Summary") -> str:
    ratio = summary.initial_gradient_ratio
    return "not measured" if math.isnan(ratio) else f"{ratio:.1e}"
