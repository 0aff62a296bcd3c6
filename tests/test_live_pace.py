"""Which steps are measured, on a clock that the test sets: seconds a plain step, and a measured one."""

import pytest

from vgp_bench.live.pace import Pace


def measured(
    steps: int, plain: float, cost: float, overhead: float | None, dense: int = 2, every: int | None = 10
) -> list[int]:
    now = 0.0
    pace = Pace(dense, every, overhead, clock=lambda: now)
    pace.begin()
    found = []
    for step in range(steps):
        due = pace.due(step)
        found += [step] if due else []
        now += plain + (cost if due else 0)
        pace.ended(due)
    return found


def test_without_a_bound_the_cadence_is_kept() -> None:
    assert measured(35, plain=1, cost=100, overhead=None) == [0, 1, 10, 20, 30]
    assert measured(35, plain=1, cost=1, overhead=None, dense=0) == [0, 10, 20, 30]
    assert measured(35, plain=1, cost=1, overhead=None, every=None) == [0, 1]


def test_what_is_cheap_is_not_put_off() -> None:
    assert measured(35, plain=1, cost=0.1, overhead=0.05) == [0, 1, 10, 20, 30]


def test_what_is_dear_is_put_off_until_it_has_paid() -> None:
    # 2 x 5 seconds spent: 5 % of 200 seconds, of which 10 were spent so. The next costs 5 more: 5 % of 300.
    found = measured(500, plain=1, cost=5, overhead=0.05)
    assert found[:4] == [0, 1, 190, 285]


@pytest.mark.parametrize("cost", [0.5, 3.0, 20.0])
def test_in_the_long_run_the_bound_holds(cost: float) -> None:
    steps = 20_000
    spent = cost * len(measured(steps, plain=1, cost=cost, overhead=0.04))
    assert spent / (steps + spent) <= 0.04 + cost / steps
    assert spent / (steps + spent) >= min(0.03, 0.8 * cost / 10)
