"""two-sequence: sequences until the task is solved, by an LSTM and by guessing its weights."""

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import Curve, curves
from vgp_bench.claims.evidence import Evidence, Observed, measured
from vgp_bench.claims.training_figures import steps_to

ARM = "lstm"


def guessed(one: Observed) -> float:
    """Sequences that guessing took; infinite if no guess was right."""
    solved = not math.isnan(measured("weight_guessing", "accuracy")(one))
    return measured("weight_guessing", "sequences")(one) if solved else math.inf


def trained(one: Observed) -> float:
    """Sequences of the LSTM; infinite if it never got there."""
    summary = one.ended.summary
    if summary is None or not summary.best_validation_accuracy >= 1:
        return math.inf
    return steps_to(1.0)(one) * float(one.ended.config["trainer"]["batch_size"])


def check(evidence: Evidence) -> list[Check]:
    lstm, guesses = evidence.each(trained, ARM), evidence.each(guessed, ARM)
    # Of a network that never got there no ratio is known; infinite, it leaves the matter open.
    ratio = {seed: math.inf if math.isinf(n) else guesses[seed] / n for seed, n in lstm.items()}
    return [
        judged(evidence.expected("lstm_sequences"), lstm),
        judged(evidence.expected("guesses_over_lstm"), ratio),
    ]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    sides = {"LSTM, trained": trained, "random weights, guessed": guessed}
    lines = [
        Curve(name, list(found), [list(found.values())])
        for name, found in ((name, evidence.each(statistic, ARM)) for name, statistic in sides.items())
    ]
    return curves("Two-sequence problem", "seed", "sequences until none of 256 is wrong", lines, around=1000)
