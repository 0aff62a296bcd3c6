"""Two long jobs timed in blocks: every block of both, in turn, each pair with jobs of its own."""

import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from benchmarks import timing


def test_blocks_are_done_in_turn_and_all_of_them_are_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, done, jobs = [0.0], [], count()

    def job(name: str, seconds: float) -> Callable[[], Callable[[], None]]:
        def begin() -> Callable[[], None]:
            number, blocks = next(jobs), count()

            def block() -> None:
                done.append(f"{name}{number}")
                clock[0] += seconds + 7.0 * (next(blocks) == 2)  # what happens once in a job

            return block

        return begin

    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])
    ratio = timing.in_blocks("name", "bound", job("a", 2.0), job("b", 1.0), blocks=3, pairs=2)
    assert done == ["a0", "b1", "b1", "a0", "a0", "b1", "b3", "a2", "a2", "b3", "b3", "a2"]
    assert (ratio.median, ratio.low, ratio.high) == (1.3, 1.3, 1.3)  # 6 + 7 against 3 + 7 seconds
    assert (ratio.seconds_a, ratio.seconds_b) == (13.0, 10.0)
