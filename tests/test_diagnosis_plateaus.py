"""What explains a stall that no symptom does: a network that has not left its start, and one whose signal is faint."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.made_cases import CHANCE, losses_falling, losses_stuck, made_case
from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.judge import diagnose
from vgp_bench.diagnosis.sentences import line

EVEN: list[dict[str, float]] = [{}] * 11
DECAY: list[dict[str, float]] = [{"sensitivity": 10.0 ** (-(10 - depth))} for depth in range(10)] + [{}]
SLOWLY = [CHANCE] * 50 + [0.8 * CHANCE] * 50
"""A fifth of the loss is gone, and no more to come: harm beside a symptom, none without."""
UNMOVED = [{"update_ratio": 0.9e-4}] * 11
"""A hundred such steps are .9 % of the way."""


def faint(share: float) -> list[dict[str, float]]:
    """Four stages that tell inputs apart, and six that hardly do."""
    return [{}] * 4 + [{"input_share": share}] * 6 + [{}]


def moved(steps: int, at: dict[int, float]) -> Case:
    """A stall of so many steps; every stage moves by these shares of its size at the steps at which it was measured."""
    case = made_case(losses_stuck(steps), stages=EVEN, layers=[{}] * 11, probed=list(at))
    layers = dict(case.tables["layers"])
    layers["update_ratio"] = np.repeat(list(at.values()), 11)
    return replace(case, tables={**case.tables, "layers": layers})


@pytest.mark.parametrize(
    ("steps", "ratio", "label"),
    [
        (100, 0.9e-4, "update too small"),
        (100, 1.1e-4, "plateau"),
        (200, 0.45e-4, "update too small"),
        (200, 0.9e-4, "plateau"),
        (60, 1.6e-4, "update too small"),
        (60, 1.7e-4, "plateau"),
        (59, 1.6e-4, "undecided"),  # too early to call it a stall
    ],
)
def test_a_stall_within_a_percent_of_the_start_is_no_plateau(steps: int, ratio: float, label: str) -> None:
    found = diagnose(moved(steps, {0: ratio}))
    assert found.label == label
    if found.cause is not None:
        assert (found.sure, found.cause.onset, found.runner_up) == ("likely", 0, None)
        assert found.cause.evidence.value == pytest.approx(ratio)
        assert found.cause.evidence.threshold == pytest.approx(0.01 / steps)
        assert found.cause.evidence.low == found.cause.evidence.high == found.cause.evidence.value


def test_steps_between_two_measurements_are_like_their_neighbours() -> None:
    """3 x 1e-3 + 97 x 3e-5 = .6 % of the way, though the mean of what was measured is 6e-4; and on a line from 2.5e-4
    to 0 it is 1.25 %, though the last half of it is small."""
    assert diagnose(moved(100, {0: 1e-3, 1: 1e-3, 2: 1e-3, 3: 3e-5, 99: 3e-5})).label == "update too small"
    assert diagnose(moved(100, {0: 2.5e-4, 99: 2e-5})).label == "plateau"
    assert diagnose(moved(100, {0: 1.5e-4, 99: 2e-5})).label == "update too small"
    # Before the first and after the last measurement the steps were as at these.
    assert diagnose(moved(100, {40: 1.1e-4, 60: 0.5e-4})).label == "update too small"
    assert diagnose(moved(100, {40: 1.7e-4, 60: 0.5e-4})).label == "plateau"


def test_the_stage_that_moves_most_counts() -> None:
    layers = [{"update_ratio": 0.0}] * 10 + [{"update_ratio": 2e-4}]
    assert diagnose(made_case(losses_stuck(), stages=EVEN, layers=layers)).label == "plateau"


def test_the_remedy_is_a_rate_by_the_size_of_the_steps() -> None:
    """From 2.5e-5 to 1e-3 of the weights it is 1.6 powers of ten: two."""
    known: dict[str, Any] = {"config": {"optimizer": {"lr": 0.002}}, "choices": {"optimizer": "sgd"}}
    found = diagnose(made_case(losses_stuck(), stages=EVEN, layers=[{"update_ratio": 2.5e-5}] * 11, **known))
    assert found.remedies[0].overrides == ("optimizer.lr=0.2",)


@pytest.mark.parametrize(("share", "label"), [(0.9e-3, "collapsed"), (1.1e-3, "plateau")])
def test_a_faint_signal_explains_a_stall(share: float, label: str) -> None:
    found = diagnose(made_case(losses_stuck(), stages=faint(share)))
    assert (found.label, found.sure) == (label, "likely")
    if found.cause is not None:
        assert (found.cause.stage, found.cause.evidence.threshold) == (4, 1e-3)
        assert "is very nearly the same for every input (0.0009, limit 0.001)" in line(found)


def test_along_time_a_faint_signal_is_no_reason_for_a_state_may_have_forgotten() -> None:
    assert diagnose(made_case(losses_stuck(), stages=faint(0.9e-3), times=[1.0] * 20)).label == "plateau"


def test_a_signal_that_is_gone_is_certain_and_one_that_came_back_is_no_reason() -> None:
    gone = diagnose(made_case(losses_stuck(), stages=faint(1e-9)))
    assert (gone.label, gone.sure) == ("collapsed", "certain")
    case = made_case(losses_stuck(), stages=faint(0.9e-3), probed=(0, 50))
    probes = {name: np.array(values) for name, values in case.tables["probes"].items()}
    probes["input_share"][probes["step"] == 50] = 0.5
    assert diagnose(replace(case, tables={**case.tables, "probes": probes})).label == "plateau"


@pytest.mark.parametrize("keys", [{"stages": EVEN, "layers": UNMOVED}, {"stages": faint(0.9e-3)}])
def test_neither_raises_an_alarm_where_there_is_none(keys: dict[str, Any]) -> None:
    """A wide network learns though no weight moves by much, and a faint signal is learned from in the end."""
    for losses in (SLOWLY, losses_falling()):
        found = diagnose(made_case(losses, **keys))
        assert (found.label, found.notes) == ("healthy", ())
    relapse = diagnose(made_case([*losses_falling(60), *losses_stuck(60)], **keys))
    assert relapse.label == "unstable"


def test_small_steps_that_are_a_symptom_are_one_beside_slow_learning_as_well() -> None:
    """So that SLOWLY is a harm, and the test above could fail."""
    found = diagnose(made_case(SLOWLY, stages=EVEN, layers=[{"update_ratio": 1e-8}] * 11))
    assert (found.label, found.consequence.kind) == ("update too small", "slow")


def test_a_symptom_comes_before_both_and_of_the_two_the_small_steps() -> None:
    found = diagnose(made_case(losses_stuck(), stages=DECAY, layers=UNMOVED))
    assert (found.label, found.sure, found.runner_up) == ("vanishing (depth)", "certain", None)
    both = diagnose(made_case(losses_stuck(), stages=faint(0.9e-3), layers=UNMOVED))
    assert (both.label, both.runner_up and both.runner_up.verdict) == ("update too small", "collapsed")
