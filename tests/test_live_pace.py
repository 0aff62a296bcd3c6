"""Which steps are measured, on a clock that the test sets: seconds a plain step, and a measured one."""

from typing import Any

import pytest

from vgp_bench.live.pace import Pace, PutOff


def gone(
    steps: int, plain: float, cost: float, overhead: float | None, dense: int = 2, every: int | None = 10
) -> tuple[list[int], Pace]:
    now = 0.0
    pace = Pace(dense, every, overhead, clock=lambda: now)
    pace.begin()
    found = []
    for step in range(steps):
        due = pace.due(step)
        found += [step] if due else []
        now += plain + (cost if due else 0)
        pace.ended(due)
    return found, pace


def measured(*of: Any, **options: Any) -> list[int]:
    return gone(*of, **options)[0]


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


def test_what_was_put_off_is_known() -> None:
    # Looks 10, 20 ... 490 are due; 190 comes at its step, and 285 stands for 200 to 280.
    found, pace = gone(500, plain=1, cost=5, overhead=0.05)
    assert [step for step in found if step < 300] == [0, 1, 190, 285]
    assert pace.put_off(300) == PutOff(planned=29, missed=28, later=1, times=6.0)
    assert pace.put_off(190) == PutOff(planned=18, missed=18, later=0, times=6.0)
    assert pace.put_off(10) is None  # nothing was due yet


@pytest.mark.parametrize("options", [{"overhead": None}, {"overhead": 0.5}, {"overhead": 0.05, "every": None}])
def test_nothing_is_said_where_nothing_was_put_off(options: dict[str, Any]) -> None:
    _, pace = gone(100, plain=1, cost=1, **options)
    pace.due(100)  # the step after the last, which never comes
    assert pace.put_off(100) is None
