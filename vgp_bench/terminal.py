"""What a person at the terminal reads when runs have ended: a single one in words, a sweep in counts and failures."""

import math
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from vgp_bench.diagnosis.runs import JudgedRun, counted, judge_run
from vgp_bench.diagnosis.sentences import line as sentence
from vgp_bench.errors import ResultsError
from vgp_bench.outcome import ENDED_WELL, Outcome
from vgp_bench.plural import plural
from vgp_bench.progress import ratio
from vgp_bench.records.ownership import current_owner
from vgp_bench.records.reading import read_run, read_status
from vgp_bench.wrapping import fitted, whole

DIVERGED_EARLIER, ELSEWHERE = "diverged earlier", "elsewhere"

_WORDS = {
    "completed": "completed",
    "kept": "finished earlier and not run again",
    "diverged": "diverged",
    "failed": "failed",
    "refused": "refused before the start",
    "interrupted": "stopped before the end",
    "lost": "lost",
    "damaged": "damaged and left so",
    DIVERGED_EARLIER: "diverged earlier and not run again",
    ELSEWHERE: "in the hands of another process",
}

MOST_JUDGED = 200
"""So many runs are judged at the end of a sweep, which reads tables of each; of more, `vgp-bench diagnose` tells."""


def tell_all(outcomes: Sequence[Outcome], folder: Path, not_started: int = 0, same: int = 0) -> None:
    """The end of a sweep: counts, where the table is, the runs that diverged, and every run that did not end well, by
    name and reason.

    not_started: runs that were given up before they began; same: runs that were the same as others.
    """
    states = Counter(map(_kind, outcomes))
    counts = [f"{count} {_WORDS[state]}" for state, count in states.items()]
    counts += [f"{not_started} not started"] if not_started else []
    counts += [f"{same} the same as another one"] if same else []
    total = len(outcomes) + not_started + same
    _say(f"{plural(total, 'run')}: {', '.join(counts)}. {whole(f'Table: vgp-bench compare {folder}')}")
    if verdicts := _verdicts(outcomes):
        _say(f"Verdicts: {verdicts}. {whole(f'Why: vgp-bench diagnose {folder}')}")
    diverged = [replace(one, state=_kind(one), reason=_reason(one)) for one in outcomes if "diverged" in _kind(one)]
    for line in [*_named(diverged), *_elsewhere(outcomes, folder)]:
        _say(line)
    tell_unfinished(outcomes)
    if not_started:
        room = " once there is room" if any(one.is_disk_full for one in outcomes) else ""
        _say(f"not started: {not_started}; the same command goes on with them{room}", sys.stderr)


def tell_unfinished(outcomes: Sequence[Outcome]) -> None:
    """Those of the runs that did not end well and are in no other hands, by name and reason."""
    for line in _named([one for one in outcomes if one.state not in ENDED_WELL and not one.is_elsewhere]):
        _say(line, sys.stderr)


def tell_one(outcome: Outcome) -> None:
    """The end of a single run."""
    if outcome.state == "refused":
        _say(f"vgp-bench: {outcome.reason}", sys.stderr)
        return
    if outcome.state not in ENDED_WELL:
        what = "failed" if outcome.state == "failed" else f"is {outcome.state}"
        see = f" (see {outcome.path})" if outcome.path else ""
        then = "; then the same command goes on" if outcome.is_disk_full else ""
        _say(f"vgp-bench: the run {what}: {outcome.reason}{see}{then}", sys.stderr)
        return
    if outcome.state == "kept":
        _say(f"This run finished earlier and is not run again; remove {outcome.path} to repeat it.")
    for line in _result(outcome):
        _say(line)
    if (run := _judged(outcome)) and run.diagnosis and not run.empty:
        _say(f"Verdict: {sentence(run.diagnosis)}")
        if run.diagnosis.cause:
            _say(whole(f"Evidence: vgp-bench diagnose {outcome.path}"))
    _say(whole(f"Table: vgp-bench compare {outcome.path}"))


def _say(line: str, stream: TextIO | None = None) -> None:
    """On a terminal no wider than it is; stream: standard output if not given."""
    print(fitted(line, stream=stream), file=stream)


def _verdicts(outcomes: Sequence[Outcome]) -> str:
    """How many runs got which verdict; nothing if there is none yet, or if there are too many to read."""
    ended = [outcome for outcome in outcomes if outcome.state in ENDED_WELL]
    if len(ended) > MOST_JUDGED:
        return ""
    runs = [run for outcome in ended if (run := _judged(outcome)) is not None and not run.empty]
    labels = [run.label for run in runs]
    return counted(labels) if set(labels) - {"undecided"} else ""


def _judged(outcome: Outcome) -> JudgedRun | None:
    """The verdict on a run that ended; None if its record is gone."""
    try:
        return judge_run(read_run(outcome.path)) if outcome.path else None
    except ResultsError:
        return None


def _kind(outcome: Outcome) -> str:
    """The state, or what there is to say in its place."""
    if outcome.is_elsewhere:
        return ELSEWHERE
    return DIVERGED_EARLIER if outcome.state == "kept" and outcome.reason == "diverged" else outcome.state


def _reason(outcome: Outcome) -> str:
    """Why it diverged, also of a run that was kept."""
    if outcome.state != "kept" or outcome.path is None:
        return outcome.reason
    try:
        return read_status(outcome.path).reason
    except ResultsError:
        return outcome.reason


def _elsewhere(outcomes: Sequence[Outcome], folder: Path) -> list[str]:
    """How many runs which other processes have in hand, a line for each process."""
    owners = [current_owner(one.path) if one.path else None for one in outcomes if one.is_elsewhere]
    who = Counter(owner[0].words() if owner else "another process" for owner in owners)
    return [
        f"{plural(count, 'run', 'are')} being run by {words}: {whole(f'vgp-bench status {folder}')}"
        for words, count in who.items()
    ]


def _named(outcomes: Sequence[Outcome]) -> list[str]:
    """Lines that name these runs; those with the same reason below it, once."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.state, outcome.reason), []).append(outcome)
    lines = []
    for (state, reason), group in groups.items():
        if len(group) == 1:
            lines.append(f"{state}: {group[0].label or 'the run'}: {reason}{_see(group[0])}")
        else:
            lines.append(f"{state}, {len(group)} runs: {reason}")
            lines += [f"  {outcome.label or 'the run'}{_see(outcome)}" for outcome in group]
    return lines


def _see(outcome: Outcome) -> str:
    """Where there is more about it; a reason that names a file itself needs no more."""
    if outcome.path is None or str(outcome.path) in outcome.reason or ".log" in outcome.reason:
        return ""
    traceback = outcome.path / "traceback.txt"
    return f" (see {traceback if traceback.exists() else outcome.path})"


def _result(outcome: Outcome) -> list[str]:
    if outcome.state not in ENDED_WELL or outcome.summary is None:
        return [outcome.reason]
    summary = outcome.summary
    if math.isnan(summary.test_accuracy):
        learned = outcome.reason if outcome.state == "kept" else f"diverged: {outcome.reason}"
    else:
        learned = f"test accuracy {summary.test_accuracy:.1%} (chance {summary.chance_accuracy:.1%}), "
        if not math.isnan(summary.validation_accuracy):
            # Beside the test: a task may ask for more there, longer sequences say, than in training.
            learned += f"validation accuracy {summary.validation_accuracy:.1%}, "
        learned += f"test loss {summary.test_loss:.3g} (chance {summary.chance_loss:.3g})"
    through_time = not math.isnan(summary.initial_decay_per_step)
    if not (through_time and math.isnan(summary.initial_gradient_ratio)):  # one recurrent layer: nothing along depth
        learned += f", gradient of first/last layer {ratio(summary)} at the start"
    lines = [learned]
    if through_time:
        low, high = summary.initial_decay_per_step_low, summary.initial_decay_per_step_high
        lines.append(
            "Gradient through time at the start, last layer: "
            f"x {summary.initial_decay_per_step:.3f} a step further back "
            f"({low:.3f} ... {high:.3f}, without the last three steps), "
            f"first/last step {summary.initial_time_ratio:.1e}"
        )
    return lines
