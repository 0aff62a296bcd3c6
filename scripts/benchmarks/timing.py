"""Two things timed in turn, A B A B ..., so that a machine whose speed drifts slows both."""

import statistics
import time
from collections.abc import Callable, Sequence
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
    return _ratio(name, bound, times)


def in_blocks(
    name: str,
    bound: str,
    a: Callable[[], Callable[[], None]],
    b: Callable[[], Callable[[], None]],
    blocks: int,
    pairs: int,
) -> Ratio:
    """The ratio A/B of two long jobs, each started anew a pair and done in so many blocks, A's and B's in turn.

    A machine that changes its speed from minute to minute would tell jobs done one after the other apart; short blocks
    meet the same speed. The times of all blocks are added up, so that what happens once in a job counts once.
    """
    times: list[tuple[float, float]] = []
    for number in range(pairs):
        one, two, total = a(), b(), [0.0, 0.0]
        for block in range(blocks):
            for which in (0, 1) if (block + number) % 2 == 0 else (1, 0):
                total[which] += _time((one, two)[which])
        times.append((total[0], total[1]))
    return _ratio(name, bound, times)


def _ratio(name: str, bound: str, times: Sequence[tuple[float, float]]) -> Ratio:
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
