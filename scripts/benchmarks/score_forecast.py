"""Forecasts of `vgp-bench probe` against what became of the trainings.

A training has left chance when the mean loss of its last 20 steps is below .9 of the chance loss. False alarm: 'not
trainable' said of a network that left chance. Intervals: Wilson, 95 %.
"""

import argparse
import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.calling import leave, output, whole
from benchmarks.forecast_cases import CALIBRATION, HELD_OUT
from vgp_bench.composition import compose
from vgp_bench.errors import UserError
from vgp_bench.probe.first_steps import go
from vgp_bench.probe.forecast import forecast
from vgp_bench.probe.measuring import loop_of, start_of, with_trial
from vgp_bench.report.output_file import write_text

CASES = "scripts/benchmarks/forecast_cases.py"
STEPS = 300
LEFT = 0.9
LAST = 20


class Score(NamedTuple):
    """end: mean loss of the last steps / chance loss; infinite if the training diverged."""

    words: str
    trainable: bool
    end: float
    told_apart: float
    moved: float

    @property
    def left_chance(self) -> bool:
        return self.end < LEFT

    @property
    def right(self) -> bool:
        return self.trainable == self.left_chance


def score(words: str, steps: int = STEPS) -> Score:
    """Forecast for so many steps, then these steps."""
    several = ["trainer.max_epochs=100000", f"trainer.max_steps={steps}", "device=cpu"]
    (composed,) = compose([*words.split(), *several])
    loop = loop_of(composed)
    found = with_trial(start_of(composed, loop), loop)
    said = forecast(found)
    end = math.inf
    if not found.trial.steps.diverged:
        rest = go(loop, steps)
        losses = [row.loss for row in rest.steps[-LAST:]]
        end = math.inf if rest.diverged else statistics.fmean(losses) / loop.feed.chance.loss
    known = [share for share in found.trial.moved if not math.isnan(share)]
    pace = found.ahead
    least = min(known, default=math.nan) * pace
    return Score(words, said.trainable, end, found.trial.told_apart * pace, least)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    if not n:
        return 0.0, 1.0
    z, p = 1.959964, hits / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))


def table(title: str, scores: Sequence[Score]) -> str:
    """One line a network, then accuracy, false alarms and misses."""
    lines = [f"## {title}", "", "| network | forecast | loss / chance | told apart | moved | |", "|" + "---|" * 6]
    for one in scores:
        said = "trainable" if one.trainable else "not"
        lines.append(
            f"| {one.words} | {said} | {one.end:.2f} | {one.told_apart:.1e} | {one.moved:.1e} "
            f"| {'' if one.right else 'wrong'} |"
        )
    learners = [one for one in scores if one.left_chance]
    others = [one for one in scores if not one.left_chance]
    lines += [
        "",
        _share("right", [one for one in scores if one.right], scores),
        _share("false alarms", [one for one in learners if not one.right], learners),
        _share("missed", [one for one in others if not one.right], others),
    ]
    return "\n".join(lines)


def _share(name: str, hits: Sequence[Score], of: Sequence[Score]) -> str:
    low, high = wilson(len(hits), len(of))
    return f"- {name}: {len(hits)} of {len(of)} ({100 * low:.0f} to {100 * high:.0f} %)"


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/score_forecast", description=__doc__)
    parser.add_argument("--out", type=output, help="also write the tables to this file")
    parser.add_argument("--steps", type=whole(LAST), default=STEPS, help="length of each training")
    parser.add_argument("--only", default="", help="networks whose words contain this")
    arguments = parser.parse_args()
    if not any(arguments.only in words for words in (*CALIBRATION, *HELD_OUT)):
        raise UserError(f"--only {arguments.only}: no network whose words contain it; see {CASES}")
    parts = [f"# Forecasts of `vgp-bench probe`, {arguments.steps} steps each"]
    for title, cases in (("Calibration", CALIBRATION), ("Held out", HELD_OUT)):
        scores = []
        for words in cases:
            if arguments.only in words:
                scores.append(score(words, arguments.steps))
                print(".", end="", flush=True)
        parts.append(table(title, scores))
    text = "\n\n".join(parts)
    print(f"\n{text}")
    if arguments.out:
        write_text(arguments.out, f"{text}\n")


if __name__ == "__main__":
    leave("scripts/score_forecast", main)
