"""What becomes of a loss, on losses without noise: each limit from both sides and each step by hand."""

import itertools
from typing import Any

import numpy as np
import pytest

from tests.made_cases import losses_stuck, made_case
from vgp_bench.diagnosis.consequence import consequence_of
from vgp_bench.diagnosis.course import Trend, began
from vgp_bench.diagnosis.judge import diagnose
from vgp_bench.diagnosis.symptoms import unstable

UNKNOWN = float("nan")
"""Chance, so that the start is what a loss is measured by."""


def became(*parts: tuple[float, int], chance: float = UNKNOWN) -> tuple[str, int]:
    """Kind and first step of the consequence of a loss that stays at each level for so many steps."""
    losses = [level for level, steps in parts for _ in range(steps)]
    found = consequence_of(made_case(losses, chance_loss=chance))
    return found.kind, found.since


def test_a_relapse_loses_half_of_what_was_learned() -> None:
    """From 2 down to 1: half of it is lost at 1.5. The median of 20 steps is up when 11 of them are: step 60 + 10."""
    assert became((2, 20), (1, 40), (1.51, 40)) == ("regression", 70)
    assert became((2, 20), (1, 40), (1.49, 40))[0] == "slow"  # a quarter of the loss is gone
    assert became((8, 20), (1, 40), (4.51, 40), chance=8) == ("regression", 70)
    assert became((8, 20), (1, 40), (4.49, 40), chance=8)[0] == "none"


def test_a_loss_that_comes_back_down_is_no_relapse() -> None:
    """At 1.9 it falls by 1 % a step: the median of the last 20 steps is 1.73, above 1.5; 40 steps further it will be at
    two thirds of that."""
    falling = [1.9 * 0.99**step for step in range(20)]
    losses = [*[2.0] * 20, *[1.0] * 40, *[1.9] * 20, *falling]
    assert consequence_of(made_case(losses, chance_loss=UNKNOWN)).kind != "regression"
    assert became((2, 20), (1, 40), (1.9, 40)) == ("regression", 70)


def test_a_divergence_is_twice_the_start_and_is_dated() -> None:
    assert became((1, 60), (2.1, 40)) == ("divergence", 70)
    assert became((1, 60), (1.9, 40))[0] == "stall"


def test_a_stall_begins_where_the_loss_came_to_stay_within_a_tenth_of_the_start() -> None:
    """2 -> 1.7, below .9 x 2 = 1.8, and back to 1.95: the median is above again with the eleventh step of it."""
    assert became((2, 30), (1.85, 30), (1.95, 40)) == ("stall", 0)
    assert became((2, 30), (1.79, 30), (1.95, 40))[0] == "regression"  # a tenth was learned, and lost again


@pytest.mark.parametrize(("lost", "falls"), [(0.021, True), (0.019, False)])
def test_a_trend_falls_if_it_takes_a_fiftieth_over_its_steps(lost: float, falls: bool) -> None:
    steps = np.arange(51)
    assert Trend.of(steps, np.exp(-lost * steps / 50)).falls is falls


def test_a_trend_is_followed_for_twice_its_steps() -> None:
    steps = np.arange(51)
    trend = Trend.of(steps, np.exp(-steps / 50))
    assert trend.ahead(3.0) == pytest.approx(3 * np.exp(-2))
    assert Trend.of(steps, np.exp(steps / 50)).ahead(3.0) == 3.0


@pytest.mark.parametrize(("holds", "step"), [("TTT", 0), ("FTT", 1), ("TFT", 2), ("FTFTT", 3), ("TTF", 2), ("FFF", 2)])
def test_what_holds_to_the_end_began_after_it_last_did_not(holds: str, step: int) -> None:
    assert began(np.array([letter == "T" for letter in holds])) == step


def spiky(*steps: int, length: int = 100) -> Any:
    """A gradient that hovers around 1 and jumps to e^5 at these steps."""
    norms = [1.0 + 0.1 * (step % 2) for step in range(length)]
    for step in steps:
        norms[step] = float(np.exp(5))
    return made_case(losses_stuck(length), gradients=norms)


def test_three_spikes_among_the_last_twenty_steps_are_unstable() -> None:
    found = unstable.find(spiky(80, 85, 90))
    assert found is not None
    assert (found.evidence.value, found.onset) == (3, 80)
    assert unstable.find(spiky(79, 85, 90)) is None  # the first lies 21 steps back
    assert unstable.find(spiky(30, 50, 85, 90)) is None
    late = unstable.find(spiky(30, 82, 85, 90))
    assert late is not None
    assert late.onset == 82
    assert (
        unstable.find(spiky(20, 25, 30, length=39)) is None
    )  # fewer than 20 steps to know its usual size from, and 20


STAGES = 10
SAME: dict[str, tuple[dict[str, float], dict[str, float]]] = {
    # verdict: what one hidden stage's row of `probes`, and of `layers`, then says
    "symmetric": ({"weight_spread": 1e-7, "unit_spread": 1e-7}, {}),
    "saturated": ({"saturated_units": 0.9, "slope_mean": 0.02}, {}),
    "exploding": ({"sensitivity": 1e6}, {}),
    "unstable": ({}, {"update_ratio": 1.5}),
    "dead units": ({}, {"dead_fraction": 0.95}),
    "vanishing": ({"sensitivity": 1e-7}, {}),
    "update too small": ({}, {"update_ratio": 1e-8}),
    "collapsed": ({"input_share": 1e-9}, {}),
}
"""In the order in which one explains the others."""
OTHERS = {
    # What has a cause of its own beside the first: saturated units are not made by dead ones, nor small steps by large.
    ("symmetric", "exploding"), ("symmetric", "unstable"),
    ("saturated", "exploding"), ("saturated", "unstable"), ("saturated", "dead units"),
    ("saturated", "update too small"),
    ("exploding", "update too small"),
    ("dead units", "update too small"),
    ("vanishing", "update too small"),
    ("update too small", "collapsed"),
}  # fmt: skip


def together() -> list[tuple[str, str]]:
    """Pairs of which a stage can show both: not the same figure with two values."""

    def shared(one: str, other: str) -> bool:
        return any(a.keys() & b.keys() for a, b in zip(SAME[one], SAME[other], strict=True))

    return [pair for pair in itertools.combinations(SAME, 2) if not shared(*pair)]


@pytest.mark.parametrize(("first", "second"), together())
def test_what_a_cause_brings_with_it_is_no_other_explanation(first: str, second: str) -> None:
    (a, b), (c, d) = SAME[first], SAME[second]
    found = diagnose(made_case(losses_stuck(), stages=[a | c] * STAGES + [{}], layers=[b | d] * (STAGES + 1)))
    assert found.verdict == first
    assert (found.runner_up is not None) is ((first, second) in OTHERS)
    assert len(found.notes) == ((first, second) not in OTHERS)
