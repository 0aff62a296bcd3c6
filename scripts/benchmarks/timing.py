"""Two things timed in turn, A B A B ..., so that a machine whose speed drifts slows both."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Ratio:
    """time of A / time of B, pair by pair."""

    name: str
    median: float
    low: float
    high: float
    bound: str
    seconds_a: float
    seconds_b: float

    def line(self) -> str:
        spread, seconds = f"{self.low:.2f} ... {self.high:.2f}", f"{self.seconds_a:.4g} / {self.seconds_b:.4g}"
        return f"| {self.name} | {self.median:.3f} | {spread} | {self.bound} | {seconds} |"


def paired(name: str, bound: str, a: Callable[[], None], b: Callable[[], None], pairs: int) -> Ratio:
    """The ratio A/B over so many pairs, after one warm-up of each; the order within a pair alternates."""
    a()
    b()
    times: list[tuple[float, float]] = []
    for number in range(pairs):
        first, second = (a, b) if number % 2 == 0 else (b, a)
        one, two = _time(first), _time(second)
        times.append((one, two) if first is a else (two, one))
    ratios = sorted(x / y for x, y in times)
    return Ratio(
        name,
        statistics.median(ratios),
        ratios[0],
        ratios[-1],
        bound,
        statistics.median(x for x, _ in times),
        statistics.median(y for _, y in times),
    )


def _time(function: Callable[[], None]) -> float:
    started = time.perf_counter()
    function()
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter() - started
