"""What became of one run, in a sentence: how it ended, whether it left chance, what its gradient did at the start.

A description with the figures it rests on, no diagnosis: that names the cause and stands beside it.
"""

import math

from vgp_bench.records.reading import RunRecord
from vgp_bench.records.summary import Summary


def description(record: RunRecord) -> str:
    """The sentence; parts that were not measured are left out."""
    summary = record.summary
    if summary is None:
        return f"{record.state}: {record.reason}" if record.reason else record.state
    parts = [_end(record, summary), *_signal(summary)]
    return "; ".join(part for part in parts if part) + "."


def _end(record: RunRecord, summary: Summary) -> str:
    if record.state != "completed":
        return f"{record.state}{f' ({record.reason})' if record.reason else ''}"
    if math.isnan(summary.test_accuracy):
        return "completed, without a test"
    found = f"test accuracy {summary.test_accuracy:.1%}"
    if math.isnan(summary.chance_accuracy):
        return found
    # The loss can leave chance before the accuracy does, and in a regression it is what counts.
    better = summary.test_accuracy > summary.chance_accuracy and summary.test_loss < summary.chance_loss
    how = "better than" if better else "no better than"
    chance = f"chance ({summary.chance_accuracy:.1%}, {summary.chance_loss:.3g})"
    return f"{found} and loss {summary.test_loss:.3g}, {how} {chance}"


def _signal(summary: Summary) -> list[str]:
    parts = []
    if not math.isnan(summary.initial_gradient_ratio):
        words = (
            f"at the start the gradient of the first hidden stage is {summary.initial_gradient_ratio:.1e} of the last"
        )
        decay, r2 = summary.initial_decay_per_layer, summary.initial_decay_r2
        if not math.isnan(decay):
            trend = "falls" if decay < 1 else "grows"
            fit = "" if math.isnan(r2) else f", R2 {r2:.2f}"
            words += f": it {trend} by a factor of {decay:.3f} a layer down{fit}"
        parts.append(words)
    if not math.isnan(summary.initial_decay_per_step):
        parts.append(f"through time it changes by a factor of {summary.initial_decay_per_step:.3f} a step back")
    return parts
