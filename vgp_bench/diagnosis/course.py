"""A loss without its noise: where it began, where it is, where it goes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vgp_bench.diagnosis.thresholds import BLOWN_UP, FALLING, FIRST, NOISE, NOISY, SETTLED
from vgp_bench.diagnosis.trend import theil_sen

MOST_POINTS = 200
"""Losses that a trend is fitted to; the pairs of more would take longer than they tell."""


@dataclass(frozen=True)
class Course:
    """A loss without its noise. level: the median of the last steps up to each one; start: of the first ones; now: at
    the end; best: the least of whole windows; error, start_error: standard errors of now and start."""

    level: NDArray[np.floating]
    start: float
    now: float
    best: float
    error: float
    start_error: float

    @classmethod
    def of(cls, losses: NDArray[np.floating]) -> "Course":
        """Of at least SETTLED losses, all finite. A window is a twentieth of them, SETTLED at least."""
        window = max(SETTLED, len(losses) // 20)
        whole = np.median(np.lib.stride_tricks.sliding_window_view(losses, window), axis=1)
        head = [float(np.median(losses[: n + 1])) for n in range(window - 1)]
        recent = losses[-window:]
        # Neighbours differ by the noise alone; 1.4826 and 1.2533 turn a median into a deviation, and back (normal).
        jumps = np.abs(np.diff(recent - np.median(recent)))
        noise = 1.4826 * float(np.median(jumps)) / 2**0.5
        first = losses[:FIRST] if noise < NOISY * abs(float(np.median(recent))) else losses[:SETTLED]
        level = np.concatenate([head, whole])
        error, start_error = (1.2533 * noise / n**0.5 for n in (window, len(first)))
        start = float(np.median(first))
        if start - losses[0] > max(
            BLOWN_UP * abs(losses[0]), NOISE * noise
        ):  # only the first loss is of the network as it was
            start = float(losses[0])
        return cls(level, start, float(level[-1]), float(whole.min()), error, start_error)


@dataclass(frozen=True)
class Trend:
    """Of the logarithm of the loss. falls: down, interval and all, by FALLING at least over its steps. factor: by what
    the loss changes over twice as many steps, by the upper end of the interval."""

    falls: bool
    factor: float

    @classmethod
    def of(cls, steps: NDArray[np.integer], losses: NDArray[np.floating]) -> "Trend":
        """The trend over these steps."""
        if (losses <= 0).any():  # a loss that may be negative has no logarithm; one that is 0 has arrived
            return cls(bool((losses == 0).any()), 1.0)
        thin = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), MOST_POINTS)).astype(int))
        line = theil_sen(steps[thin].astype(float), np.log(losses[thin]))
        length = float(steps[-1] - steps[0])
        return cls(bool(line.high < 0 and -line.slope * length > FALLING), float(np.exp(line.high * 2 * length)))

    def ahead(self, now: float) -> float:
        """The loss after twice the steps looked at, if all goes on like this; never more than now."""
        return now * min(self.factor, 1.0)


def began(holds: NDArray[np.bool_]) -> int:
    """Where the run of True begins that lasts to the end."""
    false = np.flatnonzero(~holds)
    return min(int(false[-1]) + 1, len(holds) - 1) if len(false) else 0
