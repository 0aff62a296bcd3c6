"""How certain it is that a network is healthy: by how much of the loss of chance, or of the answers, it has learned."""

import math
from typing import Any

import pytest

from tests.made_cases import CHANCE, losses_falling, losses_stuck, made_case
from vgp_bench.diagnosis.finding import Diagnosis
from vgp_bench.diagnosis.judge import diagnose
from vgp_bench.diagnosis.sentences import line

STILL: list[dict[str, float]] = [{"update_ratio": 1e-8}] * 11
EVEN: list[dict[str, float]] = [{}] * 11


def judged(*parts: tuple[float, int], **keys: Any) -> Diagnosis:
    """Of a loss that stays at each share of chance for so many steps."""
    return diagnose(made_case([share * CHANCE for share, steps in parts for _ in range(steps)], stages=EVEN, **keys))


@pytest.mark.parametrize(("share", "sure"), [(0.61, "likely"), (0.59, "certain")])
def test_healthy_is_certain_once_two_fifths_of_the_loss_of_chance_are_gone(share: float, sure: str) -> None:
    for chance in (CHANCE, math.nan):  # where it is unknown the start stands for it
        found = judged((1, 60), (share, 40), chance_loss=chance)
        assert (found.label, found.sure) == ("healthy", sure)


def test_a_few_good_steps_do_not_make_it_certain() -> None:
    """The median of the last 20 losses comes down when 11 of them are down."""
    assert judged((1, 40), (0.8, 51), (0.5, 9)).sure == "likely"
    assert judged((1, 40), (0.8, 49), (0.5, 11)).sure == "certain"


def test_what_was_learned_and_lost_again_does_not_count() -> None:
    """From .5 to .7 of chance: less than half of it is lost, so that it is no relapse."""
    found = judged((1, 40), (0.5, 30), (0.7, 30))
    assert (found.label, found.sure) == ("healthy", "likely")


def test_a_network_that_begins_to_learn_as_its_record_ends_is_likely_to_be_healthy() -> None:
    """60 steps of 190, in which the loss comes down by a tenth."""
    losses = [CHANCE] * 130 + [CHANCE * (1 - step / 600) for step in range(60)]
    found = diagnose(made_case(losses, stages=EVEN))
    assert (found.label, found.sure) == ("healthy", "likely")
    assert line(found).endswith(", little for 190 steps (likely)")


def test_a_fall_that_leads_there_is_not_yet_there() -> None:
    """Half of the loss in 60 steps is the trend; a quarter of it is gone when the median of the last 20 is taken."""
    losses = [CHANCE] * 20 + [CHANCE * 0.5 ** (step / 60) for step in range(40)]
    found = diagnose(made_case(losses, stages=EVEN))
    assert (found.label, found.consequence.kind, found.sure) == ("healthy", "none", "likely")


def test_what_comes_down_to_chance_from_above_has_shown_nothing() -> None:
    assert judged((10, 60), (1.05, 60)).sure == "likely"
    assert judged((10, 60), (0.5, 60)).sure == "certain"


@pytest.mark.parametrize(("accuracy", "sure"), [(0.49, "likely"), (0.51, "certain")])
def test_answers_count_as_the_loss_does(accuracy: float, sure: str) -> None:
    """Chance is right in a tenth of the cases, known or told by its loss, ln 10; with wrong labels most of the loss has
    to stay."""
    for chance in (0.1, math.nan):
        found = judged((1, 60), (0.8, 40), accuracies=[0.1] * 60 + [accuracy] * 40, chance_accuracy=chance)
        assert (found.label, found.sure) == ("healthy", sure)


def test_of_a_loss_whose_best_value_nobody_knows_only_the_answers_are_certain() -> None:
    losses = [-1 - step / 50 for step in range(200)]
    for accuracies, sure in (([0.1] * 200, "likely"), ([0.1] * 100 + [0.9] * 100, "certain")):
        found = diagnose(made_case(losses, stages=EVEN, accuracies=accuracies, chance_loss=math.nan))
        assert (found.label, found.sure) == ("healthy", sure)


def test_a_divergence_is_certain() -> None:
    assert diagnose(made_case([*losses_falling(60), math.nan], stages=EVEN)).sure == "certain"


# --- who knew it before ---


@pytest.mark.parametrize(("accuracy", "label"), [(0.51, "healthy"), (0.49, "update too small")])
def test_who_gave_the_right_answers_from_the_start_has_arrived(accuracy: float, label: str) -> None:
    """.4 above chance, as of the loss: small steps hold nobody back who is there."""
    case = made_case(
        losses_stuck(level=0.85 * CHANCE), layers=STILL, accuracies=[accuracy] * 100, chance_accuracy=0.1, stages=EVEN
    )
    assert diagnose(case).label == label


def test_answers_have_arrived_only_where_chance_is_known() -> None:
    """Who says no every time is right in .9 of the cases where no is the answer in .9 of them."""
    keys: dict[str, Any] = {"layers": STILL, "accuracies": [0.9] * 100, "stages": EVEN}
    losses = losses_stuck(level=0.33)
    assert diagnose(made_case(losses, chance_loss=math.nan, **keys)).label == "update too small"
    assert diagnose(made_case(losses, chance_loss=0.33, chance_accuracy=0.9, **keys)).label == "update too small"


def test_what_has_no_answers_has_not_arrived_by_them() -> None:
    keys: dict[str, Any] = {"layers": STILL, "chance_accuracy": 0.1, "stages": EVEN}
    losses = losses_stuck(level=0.85 * CHANCE)
    assert diagnose(made_case(losses, accuracies=[math.nan] * 100, **keys)).label == "update too small"


def test_answers_that_are_right_by_turns_are_no_knowledge() -> None:
    """In batches of one half of the last 20 are right, .1 above chance, with an error of .11."""
    case = made_case(losses_stuck(level=0.99 * CHANCE), accuracies=[0.0, 1.0] * 50, chance_accuracy=0.4, stages=EVEN)
    assert diagnose(case).label == "plateau"
