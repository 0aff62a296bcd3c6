"""The gradient along time as a look sees it, of the same layer and by the same reading as the forecast's symptoms.

It is that of the first recurrent layer: an input acts on its states at its own time step and on nothing else, so what
the loss hears of the past comes through them, by whatever ways lead on (diagnosis.along_time). The last layer may fade
where the ones below still remember, and remember what no input can change.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from vgp_bench.diagnosis.along_time import heard, swollen
from vgp_bench.diagnosis.thresholds import GREAT_TIME_RATIO, TIME_RATIO
from vgp_bench.probe.looking import Look, as_columns
from vgp_bench.records.rows import TimeRow
from vgp_bench.records.time_signal import TimeDecay, decay_per_step

FEWEST = 3
"""Time steps that have a trend; of fewer the symptoms say nothing either."""


@dataclass(frozen=True)
class ThroughTime:
    """One look along time.

    layer: name of the first recurrent layer; symbol: h, or c of an LSTM, which carries through its cell; both_ways:
    read from both ends, lags are then steps to the nearer one; length: time steps of a sequence; gradients: L2 norm at
    each lag; farthest: the one at the longest lag over that at lag 0; largest: the largest one, of the direction in
    which it is larger, over that at lag 0; decay: factor a step.
    """

    layer: str
    symbol: str
    both_ways: bool
    length: int
    lags: list[int]
    gradients: list[float]
    farthest: float
    largest: float
    decay: TimeDecay

    @property
    def reaches_back(self) -> bool:
        """Whether no rule of `vgp-bench diagnose` sees it vanish or explode."""
        return self.farthest >= TIME_RATIO and self.largest <= GREAT_TIME_RATIO


def through_time(look: Look) -> ThroughTime | None:
    """None without a time axis, where it is too short, or where not even the last time step has a gradient."""
    if not look.times:
        return None
    times, first = as_columns(look.times, TimeRow), look.times[0]
    lags, gradients = heard(times, look.step)
    _, loudest = swollen(times, look.step)
    if len(lags) < FEWEST or not gradients[0] > 0:
        return None
    return ThroughTime(
        layer=first.layer,
        symbol="h" if math.isnan(first.cell_gradient_l2) else "c",
        both_ways=any(row.direction != first.direction for row in look.times if row.layer == first.layer),
        length=max(row.time for row in look.times),
        lags=[int(lag) for lag in lags],
        gradients=[float(gradient) for gradient in gradients],
        farthest=float(gradients[-1] / gradients[0]),
        largest=float(loudest.max() / loudest[0]),
        decay=decay_per_step(lags, gradients),
    )
