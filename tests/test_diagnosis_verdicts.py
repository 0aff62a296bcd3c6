"""Verdicts on tables of which everything is known: each symptom with a consequence and without, and what is none."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.made_cases import CHANCE, losses_falling, losses_stuck, made_case
from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.judge import diagnose

DECAY = [{"sensitivity": 10.0 ** (-(10 - depth))} for depth in range(10)] + [{}]
GROWN = [{"sensitivity": 10.0 ** (10 - depth)} for depth in range(10)] + [{}]
FAINT = [{"sensitivity": 1e-7}] * 10 + [{}]
EVEN: list[dict[str, float]] = [{}] * 11


def one(place: int, **columns: float) -> list[dict[str, float]]:
    """Ten healthy hidden stages but for one."""
    return [columns if number == place else {} for number in range(10)] + [{}]


SYMPTOMS: dict[str, dict[str, Any]] = {
    "vanishing (depth)": {"stages": DECAY},
    "exploding (depth)": {"stages": GROWN},
    "vanishing (time)": {"times": [0.5**lag for lag in range(30)]},
    "exploding (time)": {"times": [2.0**lag for lag in range(30)]},
    "dead units": {"stages": EVEN, "layers": one(4, dead_fraction=0.95)},
    "saturated": {"stages": one(4, saturated_units=0.9, slope_mean=0.02)},
    "collapsed": {"stages": [{}] * 4 + [{"input_share": 1e-9}] * 6 + [{}]},
    "symmetric": {"stages": one(4, weight_spread=1e-7, unit_spread=1e-7)},
    "update too small": {"stages": EVEN, "layers": [{"update_ratio": 1e-8}] * 11},
}
SYMPTOMS["unstable"] = {"stages": EVEN, "layers": [{"update_ratio": 1.5}] * 11}
LOCAL = ("dead units", "saturated", "collapsed", "symmetric")


@pytest.mark.parametrize("label", SYMPTOMS)
def test_a_symptom_with_a_stall_is_the_verdict_and_without_one_a_note(label: str) -> None:
    stuck = diagnose(made_case(losses_stuck(), **SYMPTOMS[label]))
    assert stuck.label == label
    assert stuck.consequence.kind == "stall"
    assert stuck.remedies
    assert stuck.runner_up is None
    assert stuck.sure == "certain"
    learning = diagnose(made_case(losses_falling(), **SYMPTOMS[label]))
    assert (learning.label, learning.remedies) == ("healthy", ())
    assert len(learning.notes) == 1
    assert learning.notes[0].startswith(f"{label}: ")


@pytest.mark.parametrize("label", LOCAL)
def test_the_stage_is_named(label: str) -> None:
    cause = diagnose(made_case(losses_stuck(), **SYMPTOMS[label])).cause
    assert cause is not None
    assert (cause.stage, cause.place, cause.onset) == (4, "layer_5", 0)


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        (DECAY, 0),  # no layer alone
        ([{"sensitivity": 1e-5}] * 6 + [{"sensitivity": 1.0}] * 4 + [{}], 6),  # seen from above the signal ends there
        ([{"sensitivity": 0.0}] * 3 + [{"sensitivity": 1.0}] * 7 + [{}], 3),
    ],
)
def test_where_one_stage_loses_the_signal_it_is_named(stages: list[dict[str, float]], expected: int) -> None:
    cause = diagnose(made_case(losses_stuck(), stages=stages)).cause
    assert cause is not None
    assert (cause.verdict, cause.stage) == ("vanishing", expected)


def test_a_uniform_loss_of_signal_is_seen_though_the_sensitivity_is_level() -> None:
    assert diagnose(made_case(losses_stuck(), stages=FAINT)).label == "vanishing (depth)"


@pytest.mark.parametrize("power", [-12, -5, 5, 12])
@pytest.mark.parametrize("stages", [EVEN, DECAY, GROWN, FAINT])
def test_the_scale_of_the_loss_changes_no_verdict(stages: list[dict[str, float]], power: int) -> None:
    def scaled(factor: float) -> list[dict[str, float]]:
        return [{"sensitivity": stage.get("sensitivity", 10.0) * factor, "sample_gradient": factor} for stage in stages]

    factor = 10.0**power
    plain = diagnose(made_case(losses_stuck(), stages=scaled(1)))
    losses = [loss * factor for loss in losses_stuck()]
    other = made_case(losses, stages=scaled(factor), gradients=[factor] * 100, chance_loss=CHANCE * factor)
    assert diagnose(other).label == plain.label


def test_of_two_symptoms_the_one_that_explains_the_other_is_the_cause() -> None:
    stages = [{**stage, "saturated_units": 0.9, "slope_mean": 0.01, "input_share": 1e-9} for stage in DECAY]
    found = diagnose(made_case(losses_stuck(), stages=stages))
    assert found.label == "saturated"
    assert found.runner_up is None  # a saturated net has no gradient and no signal: no other explanation
    assert len(found.notes) == 2


def test_a_second_explanation_is_the_runner_up() -> None:
    found = diagnose(made_case(losses_stuck(), stages=DECAY, times=[0.5**lag for lag in range(30)]))
    assert found.label == "vanishing (depth)"
    assert found.runner_up is not None
    assert found.runner_up.axis == "time"
    # Where no signal gets through, the steps are small too; and small steps are no matter of a recurrent net's past.
    slow = diagnose(made_case(losses_stuck(), stages=DECAY, layers=[{"update_ratio": 1e-8}] * 11))
    assert (slow.label, slow.runner_up and slow.runner_up.verdict) == ("vanishing (depth)", "update too small")
    late = made_case(losses_stuck(), times=[0.5**lag for lag in range(30)], layers=[{"update_ratio": 1e-8}] * 11)
    assert diagnose(late).label == "update too small"
    assert slow.sure == "likely"


@pytest.mark.parametrize(
    ("case", "label"),
    [
        (made_case(losses_stuck(), stages=EVEN), "plateau"),
        (made_case(losses_falling(), stages=EVEN), "healthy"),
        (made_case(losses_falling(10), stages=EVEN), "undecided"),
        (made_case([], stages=[]), "undecided"),
        (made_case([*losses_falling(60), math.nan], stages=EVEN), "diverged"),
        (made_case(losses_falling(60), stages=EVEN, state="diverged"), "diverged"),
        (made_case([2.3, 2.4, 900.0, math.inf], gradients=[1, 1, 1e6, math.inf], state="diverged"), "exploding"),
        (made_case([*losses_falling(60), *losses_stuck(60)], stages=EVEN), "unstable"),
        (made_case([CHANCE + 0.01 * step for step in range(900)], stages=EVEN), "diverged"),
    ],
    ids=["stuck", "learning", "short", "nothing", "nan", "broken off", "grown", "relapse", "climbing"],
)
def test_a_consequence_without_a_symptom(case: Case, label: str) -> None:
    assert diagnose(case).label == label


def test_dead_units_need_three_looks_where_there_were_so_many() -> None:
    case = made_case(losses_stuck(), stages=EVEN, layers=one(4, dead_fraction=0.95), probed=range(0, 100, 10))
    for alive, label, onset in ((7, "plateau", None), (6, "dead units", 70)):
        layers = {name: np.array(values) for name, values in case.tables["layers"].items()}
        layers["dead_fraction"][layers["step"] <= 10 * alive] = 0.0
        found = diagnose(replace(case, tables={**case.tables, "layers": layers}))
        assert found.label == label
        assert onset is None or (found.cause is not None and found.cause.onset == onset)


def test_half_dead_is_dead_only_where_the_signal_is_awake() -> None:
    half = one(4, dead_fraction=0.6)
    assert diagnose(made_case(losses_stuck(), stages=EVEN, layers=half)).label == "dead units"
    asleep = [{"input_share": 1e-3}] * 10 + [{}]
    assert diagnose(made_case(losses_stuck(), stages=asleep, layers=half)).label == "plateau"


@pytest.mark.parametrize(
    "healthy",
    [
        {"stages": [{"sensitivity": 10.0**-decades} for decades in np.linspace(1.0, 0, 10)] + [{}]},
        {"stages": [{"sensitivity": 10.0**decades} for decades in np.linspace(1.2, 0, 10)] + [{}]},
        {"stages": EVEN, "layers": one(4, dead_fraction=0.4)},
        {"stages": one(4, saturated_units=0.6, slope_mean=0.3)},
        {"stages": one(4, saturated_units=math.nan, slope_mean=0.01)},  # a ReLU that is seldom active
        {"stages": one(4, weight_spread=0.0)},  # zero-initialized branch of a residual block: its units differ
        {"times": [0.9**lag for lag in range(30)]},
        {"stages": EVEN, "layers": [{"update_ratio": 5.0}] * 3 + [{}] * 8},  # three branches that began at 0
    ],
)
def test_what_healthy_networks_show_is_no_symptom(healthy: dict[str, Any]) -> None:
    found = diagnose(made_case(losses_stuck(), **healthy))
    assert (found.label, found.notes) == ("plateau", ())


def test_what_was_not_measured_is_no_symptom() -> None:
    nothing = dict.fromkeys(("sensitivity", "sample_gradient", "input_share", "unit_spread"), math.nan)
    unknown = [{**nothing, "weight_spread": math.nan, "slope_mean": math.nan, "saturated_units": math.nan}] * 11
    layers = [{"dead_fraction": math.nan, "update_ratio": math.nan}] * 11
    found = diagnose(made_case(losses_stuck(), stages=unknown, layers=layers, gradients=[math.nan] * 100))
    assert (found.label, found.notes) == ("plateau", ())


def test_a_loss_of_exactly_zero_is_a_success() -> None:
    solved = [{"sensitivity": 0.0, "sample_gradient": 0.0}] * 11
    losses = [*losses_falling(60), *[0.0] * 60]
    assert diagnose(made_case(losses, stages=solved, accuracies=[1.0] * 120)).label == "healthy"


def test_a_case_is_judged_as_it_stood() -> None:
    case = made_case([*losses_falling(60), *[math.nan]], stages=EVEN, state="diverged", probed=(0, 50))
    assert diagnose(case.until(40)).label == "healthy"
    assert diagnose(case.until(40)).seen == 40
    assert diagnose(case).label == "diverged"
    assert np.unique(case.until(49).column("probes", "step")).tolist() == [0]


def test_the_verdict_needs_no_config_and_a_config_gives_the_words() -> None:
    foreign = diagnose(made_case(losses_stuck(), stages=DECAY))
    assert foreign.remedies
    assert all(not remedy.overrides for remedy in foreign.remedies)
    choices = {"architecture": "mlp", "activation": "sigmoid", "initializer": "he_normal", "normalizer": "none"}
    known = diagnose(made_case(losses_stuck(), stages=DECAY, choices=choices))
    words = [remedy.overrides for remedy in known.remedies]
    assert words[0] == ("architecture=residual_mlp", "architecture.residual=rezero")
    assert ("activation=relu",) in words  # its initializer is He's already


def test_a_stage_that_began_at_zero_may_double() -> None:
    case = made_case(losses_stuck(), stages=EVEN, layers=[{"update_ratio": 2.0}] * 11, probed=(0, 10, 20))
    layers = {name: np.array(values) for name, values in case.tables["layers"].items()}
    layers["weight_l2"][layers["step"] == 0] = 0.0
    assert diagnose(replace(case, tables={**case.tables, "layers": layers})).label == "plateau"
    layers["weight_l2"][:] = 1.0
    found = diagnose(replace(case, tables={**case.tables, "layers": layers}))
    assert (found.label, found.cause and found.cause.onset) == ("unstable", 0)


def test_a_step_that_ends_the_training_at_once_is_a_divergence() -> None:
    case = made_case([*losses_falling(60), math.inf], stages=EVEN, layers=[{"update_ratio": 1e30}] * 11, probed=(60,))
    assert diagnose(case).label == "diverged"


def test_a_loss_that_never_came_down_is_stuck_and_not_diverged() -> None:
    assert diagnose(made_case(losses_stuck(level=9 * CHANCE), stages=EVEN)).label == "plateau"


@pytest.mark.parametrize("label", ["update too small", "symmetric"])
def test_what_only_slows_makes_no_loss_grow(label: str) -> None:
    climbing = [CHANCE + 0.01 * step for step in range(900)]
    found = diagnose(made_case(climbing, **SYMPTOMS[label]))
    assert found.label == "diverged"
    assert len(found.notes) == 1


def test_without_a_gradient_it_is_not_the_optimizer_that_makes_no_step() -> None:
    still = [{"update_ratio": 0.0, "weight_gradient_l2": 0.0}] * 11
    assert diagnose(made_case(losses_stuck(), stages=EVEN, layers=still)).label == "plateau"
    assert diagnose(made_case(losses_stuck(), stages=EVEN, layers=[*still[1:], {"update_ratio": 0.0}])).label == (
        "update too small"
    )


@pytest.mark.parametrize("losses", [[0.0] * 50, [0.0] * 30 + [0.5] * 30, [0.5] * 30 + [0.0] * 30])
def test_a_loss_may_be_zero(losses: list[float]) -> None:
    case = made_case(losses, stages=EVEN, chance_loss=math.nan)
    assert diagnose(case).label == ("diverged" if losses[0] < losses[-1] else "healthy")


def test_a_loss_below_zero_is_judged_by_its_noise() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 200)
    for losses, label in (
        (-5 + noise, "plateau"),
        (-1 - np.arange(200) / 50 + noise, "healthy"),
        (-1 + np.arange(200) / 10 + noise, "diverged"),
    ):
        assert diagnose(made_case(list(losses), stages=EVEN, chance_loss=math.nan)).label == label


def test_noise_is_neither_progress_nor_relapse() -> None:
    found = []
    for seed in range(20):
        noise = np.random.default_rng(seed).gamma(4, 1 / 4, 2000)
        found.append(diagnose(made_case(list(CHANCE * noise), stages=EVEN)).label)
        learning = np.linspace(CHANCE, 1.3, 2000)
        assert diagnose(made_case(list(learning * noise), stages=EVEN)).label == "healthy"
    # The median of gamma-distributed losses lies below their mean, which is chance: a few pass for a little progress.
    assert found.count("plateau") >= 16


def test_the_most_frequent_answer_is_no_knowledge() -> None:
    accuracies = [0.1] * 10 + [0.9] * 90
    chance = {"chance_loss": 0.8, "chance_accuracy": 0.9}
    found = diagnose(made_case(losses_stuck(level=0.8), stages=DECAY, accuracies=accuracies, **chance))
    assert found.label == "vanishing (depth)"
    unknown = diagnose(made_case(losses_stuck(level=0.8), stages=DECAY, accuracies=accuracies, chance_loss=0.8))
    assert unknown.label == "healthy"  # e^-.8 is .45: who answers right in .9 of the cases then knows something


def test_who_has_arrived_before_the_start_is_not_stuck() -> None:
    assert diagnose(made_case(losses_stuck(level=0.01), stages=EVEN, accuracies=[0.99] * 100)).label == "healthy"


def test_a_start_that_blows_up_at_once_is_measured_by_its_first_loss() -> None:
    losses = [0.85, 4e9, 1e9, 1e8, 1e7, *losses_stuck(95, 3.0)]
    assert diagnose(made_case(losses, stages=EVEN, chance_loss=math.nan)).label == "diverged"


def test_a_loss_far_beyond_chance_is_lost_however_it_falls() -> None:
    losses = [1e18 * 0.9**step for step in range(100)]
    assert diagnose(made_case(losses, stages=GROWN)).label == "exploding (depth)"
    back = [20 * 0.97**step for step in range(60)]
    assert diagnose(made_case(back, stages=EVEN)).label == "healthy"


def test_a_task_may_start_slowly() -> None:
    assert diagnose(made_case(losses_stuck(40), stages=EVEN)).label == "undecided"
    assert diagnose(made_case(losses_stuck(40), stages=DECAY)).label == "vanishing (depth)"


def test_small_steps_are_named_since_they_are_small_and_not_where_the_end_is_slow_on_purpose() -> None:
    def case(small_from: int) -> Case:
        made = made_case(losses_stuck(200), stages=EVEN, layers=[{}] * 11, probed=range(0, 200, 10))
        layers = {name: np.array(values) for name, values in made.tables["layers"].items()}
        layers["update_ratio"][layers["step"] >= small_from] = 1e-9
        return replace(made, tables={**made.tables, "layers": layers})

    found = diagnose(case(60))
    assert (found.label, found.cause and found.cause.onset) == ("update too small", 60)
    assert diagnose(case(150)).label == "plateau"


def test_weights_that_decay_to_nothing_are_not_upset_by_moving() -> None:
    made = made_case(losses_stuck(), stages=EVEN, layers=[{"update_ratio": 3.0}] * 11, probed=(0, 10, 20))
    layers = {name: np.array(values) for name, values in made.tables["layers"].items()}
    layers["update_ratio"][layers["step"] == 0] = 0.01
    assert diagnose(replace(made, tables={**made.tables, "layers": layers})).label == "unstable"
    layers["weight_l2"][layers["step"] > 0] = 1e-4
    assert diagnose(replace(made, tables={**made.tables, "layers": layers})).label == "plateau"


def test_a_stage_without_activations_does_not_hide_the_dead_ones() -> None:
    layers = [{"dead_fraction": math.nan}, *one(4, dead_fraction=0.6)[1:]]
    assert diagnose(made_case(losses_stuck(), stages=EVEN, layers=layers)).label == "dead units"


@pytest.mark.parametrize(("reach", "label"), [(0.0, "dead units"), (1e-9, "vanishing (depth)")])
def test_a_signal_of_exactly_zero_is_that_of_dead_units_though_these_are_seen_later(reach: float, label: str) -> None:
    stages = [{"sensitivity": reach}] * 5 + [{}] * 6
    case = made_case(losses_stuck(), stages=stages, layers=one(5, dead_fraction=1.0), probed=range(0, 100, 10))
    layers = {name: np.array(values) for name, values in case.tables["layers"].items()}
    layers["dead_fraction"][layers["step"] < 40] = math.nan  # too few inputs up to then
    assert diagnose(replace(case, tables={**case.tables, "layers": layers})).label == label
