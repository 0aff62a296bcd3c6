"""Forecasts of `vgp-bench probe` against what became of the trainings.

A training has left chance when the mean loss of its last 20 steps is below .9 of the chance loss. False alarm: 'not
trainable' said of a network that left chance. Intervals: Wilson, 95 %.
"""

import argparse
import math
import os
import shlex
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.calling import leave, output, whole
from benchmarks.forecast_cases import CALIBRATION, HELD_OUT
from benchmarks.forecast_tables import Score, preface, recorded_lines, share_lines, table
from benchmarks.recorded_runs import Recorded, recorded
from vgp_bench.composition import compose
from vgp_bench.config import ComposedRun
from vgp_bench.errors import ConfigError, DataError, UserError
from vgp_bench.probe.first_steps import go
from vgp_bench.probe.forecast import Forecast, forecast
from vgp_bench.probe.measuring import Measured, loop_of, start_of, with_trial
from vgp_bench.report.output_file import write_text
from vgp_bench.training.loop import Loop

CASES = "scripts/benchmarks/forecast_cases.py"
STEPS = 300
LAST = 20


def score(words: str, steps: int = STEPS) -> Score:
    """Forecast for so many steps, then these steps."""
    several = ["trainer.max_epochs=100000", f"trainer.max_steps={steps}", "device=cpu"]
    (composed,) = compose([*words.split(), *several])
    loop, found, said = _forecast(composed)
    end = math.inf
    if not found.trial.steps.diverged:
        rest = go(loop, steps)
        losses = [row.loss for row in rest.steps[-LAST:]]
        end = math.inf if rest.diverged else statistics.fmean(losses) / loop.feed.chance.loss
    return _score(words, said, found, end)


def score_recorded(run: Recorded, data_dir: Path) -> Score:
    """The forecast for a training that has been recorded. Raises DataError or ConfigError if it cannot be built."""
    (composed,) = compose([*run.words, f"data_dir={data_dir.resolve()}"])
    _, found, said = _forecast(composed)
    return _score(run.name, said, found, run.end, run.answerable)


def _forecast(composed: ComposedRun) -> tuple[Loop, Measured, Forecast]:
    loop = loop_of(composed)
    found = with_trial(start_of(composed, loop), loop)
    return loop, found, forecast(found)


def _score(name: str, said: Forecast, found: Measured, end: float, answerable: bool = True) -> Score:
    least = min((share for share in found.trial.moved if not math.isnan(share)), default=math.nan)
    apart = found.trial.told_apart * found.ahead
    return Score(name, said.trainable, end, apart, least * found.ahead, said.forgets is not None, answerable)


def main() -> None:
    arguments = _arguments()
    runs = [run for run in _recorded(arguments.recorded) if arguments.only in run.name]
    chosen = {
        title: [words for words in cases if arguments.only in words]
        for title, cases in (("Calibration", CALIBRATION), ("Held out", HELD_OUT))
    }
    if not runs and not any(chosen.values()):
        raise UserError(f"--only {arguments.only}: no network whose words contain it; see {CASES}")
    began = time.perf_counter()
    scores = {title: [_told(score(words, arguments.steps)) for words in cases] for title, cases in chosen.items()}
    kept: dict[bool, list[Score]] = {True: [], False: []}
    left_out = []
    for run in runs:
        try:
            kept[run.seen].append(_told(score_recorded(run, arguments.data_dir)))
        except (DataError, ConfigError) as error:
            left_out.append(f"{run.name}: {error}")
    parts = {**scores, "Recorded, not looked at": kept[False], "Recorded, looked at": kept[True]}
    command = shlex.join(["scripts/score_forecast", *sys.argv[1:]])
    lines = preface(__doc__, command, time.perf_counter() - began, arguments.steps)
    lines += ["", *share_lines({name: part for name, part in parts.items() if part})]
    for title, part in scores.items():
        lines += ["", f"## {title}", "", *table(part)] * bool(part)
    if runs:
        lines += ["", *recorded_lines(kept, left_out)]
    text = "\n".join(lines) + "\n"
    print(f"\n{text}", end="")
    if arguments.out:
        write_text(arguments.out, text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/score_forecast", description=__doc__)
    parser.add_argument("--out", type=output, help="also write the tables to this file")
    parser.add_argument("--steps", type=whole(LAST), default=STEPS, help="length of each training")
    parser.add_argument("--only", default="", help="networks whose words, or whose name, contain this")
    parser.add_argument("--recorded", type=Path, metavar="DIR", help="also the runs scripts/score_diagnosis left here")
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("VGP_DATA_DIR", "data")), help="of these")
    return parser.parse_args()


def _recorded(folder: Path | None) -> Sequence[Recorded]:
    return list(recorded(folder, LAST)) if folder is not None else []


def _told(one: Score) -> Score:
    print(".", end="", flush=True)
    return one


if __name__ == "__main__":
    leave("scripts/score_forecast", main)
