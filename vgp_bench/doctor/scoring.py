"""How well a run did, from its validation data alone, and whether a change repaired the network."""

import math
from collections.abc import Sequence

from vgp_bench.compare.estimates import Estimate, estimate, paired
from vgp_bench.doctor.trying import Result
from vgp_bench.records.reading import RunRecord

MARGIN = 0.1
"""Share of the way from chance to perfection that a repaired network has to be ahead of the broken one, at least."""


def way(record: RunRecord | None) -> float:
    """How far from chance (0) to perfection (1) the validation accuracy is; of a task without one, the share of
    chance's loss that is gone. -1 of a run that diverged; NaN if nothing is on record."""
    if record is None or record.summary is None:
        return math.nan
    if record.state == "diverged":
        return -1.0
    summary = record.summary
    if math.isnan(summary.validation_accuracy):
        return _less_loss(record)
    return (summary.validation_accuracy - summary.chance_accuracy) / (1 - summary.chance_accuracy)


def score(record: RunRecord | None) -> float:
    """The mean of that and of the share of chance's loss that is gone: of two that answer equally well after a few
    steps, the surer one goes on. -1 to 1; a run that diverged or failed has the lowest."""
    found = way(record)
    return -2.0 if record is None or math.isnan(found) else (found + _less_loss(record)) / 2


def gain(after: Sequence[Result], before: Sequence[Result]) -> Estimate:
    """By how much `way` grew, over the seeds that both have."""
    with_it, without = ({r.attempt.seed: way(r.record) for r in results} for results in (after, before))
    return paired(with_it, without)


def repairs(after: Sequence[Result], before: Sequence[Result]) -> bool:
    """Whether every run with the change is healthy and learns clearly more than without it: the interval of the gain
    lies above 0, where there are several seeds, and its mean above MARGIN."""
    if not after or any(r.diagnosis is None or r.diagnosis.verdict != "healthy" for r in after):
        return False
    found = gain(after, before)
    return found.mean > MARGIN and not found.low <= 0


def validation(results: Sequence[Result]) -> tuple[Estimate, bool]:
    """Validation accuracy over the seeds; of a task without one, the validation loss. Whether it is the accuracy."""
    summaries = [r.record.summary for r in results if r.record is not None and r.record.summary is not None]
    accuracy = estimate(summary.validation_accuracy for summary in summaries)
    return (accuracy, True) if accuracy.n else (estimate(summary.validation_loss for summary in summaries), False)


def _less_loss(record: RunRecord) -> float:
    if record.state == "diverged" or record.summary is None:
        return -1.0
    loss = record.summary.validation_loss
    share = 1 - loss / record.summary.chance_loss
    return max(-1.0, share) if math.isfinite(share) else -1.0
