"""The changes in order: those that went to the end first, of these those that repair the network."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vgp_bench.compare.estimates import Estimate, estimate
from vgp_bench.diagnosis.runs import counted
from vgp_bench.doctor.changes import Change
from vgp_bench.doctor.flow import Statistic
from vgp_bench.doctor.scoring import gain, repairs, score, validation
from vgp_bench.doctor.trying import Result


@dataclass(frozen=True)
class Standing:
    """A change with what it did, over its seeds. verdict: after it; statistic: of the signal, the median; learned:
    validation accuracy, or loss where there is none; gain: see scoring.gain; parameters and seconds (a step): beside
    those of the network as it is; steps: that it was trained for; failed: why there is no result."""

    change: Change
    repairs: bool
    verdict: str
    statistic: float
    learned: Estimate
    gain: Estimate
    score: float
    parameters: float
    seconds: float
    steps: int
    seeds: int
    failed: str = ""


def ranked(found: Sequence[Sequence[Result]], before: Sequence[Result], statistic: Statistic) -> list[Standing]:
    """A standing for each change, best first. What was trained for longer stands above: it went on for being better."""
    standings = [standing(results, before, statistic) for results in found]
    return sorted(standings, key=lambda one: (-one.steps, bool(one.failed), not one.repairs, -one.score))


def standing(results: Sequence[Result], before: Sequence[Result], statistic: Statistic) -> Standing:
    """What a change did; results: one or several seeds."""
    ended = [result for result in results if result.record is not None]
    labels = [result.diagnosis.label for result in ended if result.diagnosis is not None]
    values = sorted(statistic.of(result.case) for result in ended if result.case is not None)
    failed = next((result.reason for result in results if result.record is None), "")
    return Standing(
        change=results[0].attempt.change,
        repairs=repairs(results, before),
        verdict=labels[0] if len(set(labels)) == 1 else counted(labels),
        statistic=values[len(values) // 2] if values else math.nan,
        learned=validation(ended)[0],
        gain=gain(ended, before),
        score=estimate(score(result.record) for result in results).mean,
        parameters=_parameters(ended) / _parameters(before),
        seconds=_seconds(ended) / _seconds(before),
        steps=results[0].attempt.steps,
        seeds=len(results),
        failed=failed,
    )


def winner(standings: Sequence[Standing]) -> Standing | None:
    """The best change if it repairs the network; None if none does."""
    return next((one for one in standings if one.repairs), None)


def _parameters(results: Sequence[Result]) -> float:
    summaries = [result.record.summary for result in results if result.record is not None]
    return float(next((s.parameters for s in summaries if s is not None), math.nan))


def _seconds(results: Sequence[Result]) -> float:
    """Of a step, the least of all seeds: what else the machine did can only have added to it."""
    summaries = [result.record.summary for result in results if result.record is not None]
    return min((s.seconds / s.steps for s in summaries if s is not None and s.steps), default=math.nan)
