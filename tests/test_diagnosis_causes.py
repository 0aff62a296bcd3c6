"""Which symptom can be the cause of what became of a training, by what it does to a signal and to a loss."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.made_cases import CHANCE, losses_falling, losses_stuck, made_case
from vgp_bench.diagnosis.along_time import heard
from vgp_bench.diagnosis.consequence import consequence_of
from vgp_bench.diagnosis.judge import diagnose

STAGES = 10
FAINT: list[dict[str, float]] = [{"sensitivity": 1e-7}] * STAGES + [{}]
SAME: list[dict[str, float]] = [{"input_share": 1e-9}] * (STAGES + 1)
GROWN: list[dict[str, float]] = [{"sensitivity": 1e6}] * STAGES + [{}]


def through_time(*layers: tuple[str, str, list[float], list[float] | None]) -> dict[str, Any]:
    """A table `times` of one step. layers: name, direction, ||dL/dh_t|| and ||dL/dc_t|| from the first time step on."""
    rows = [
        (
            0,
            name,
            direction,
            t + 1,
            len(states) - 1 - t if direction == "forward" else t,
            h,
            cells[t] if cells else None,
        )
        for name, direction, states, cells in layers
        for t, h in enumerate(states)
    ]
    names = ("step", "layer", "direction", "time", "lag", "state_gradient_l2", "cell_gradient_l2")
    kinds = (int, object, object, int, int, float, float)
    columns = zip(*rows, strict=True)
    return {name: np.array(values, dtype=kind) for name, kind, values in zip(names, kinds, columns, strict=True)}


def verdict_of(times: dict[str, Any]) -> str:
    case = made_case(losses_stuck())
    return diagnose(replace(case, tables={**case.tables, "times": times})).label


T = 30
LEVEL = [1.0] * T
FADING = [0.5 ** (T - 1 - t) for t in range(T)]
FADING_BACK = FADING[::-1]


def test_an_input_is_heard_by_way_of_the_first_layer_whatever_the_one_above_does() -> None:
    """Of a stack each input reaches the loss through h_t of the first layer, and through nothing else."""
    assert verdict_of(through_time(("1", "forward", LEVEL, None), ("2", "forward", FADING, None))) == "plateau"
    assert verdict_of(through_time(("1", "forward", FADING, None), ("2", "forward", LEVEL, None))) == "vanishing (time)"


def test_what_is_read_in_both_directions_is_as_far_as_the_nearer_end() -> None:
    """.5 a step: the middle of 30 steps, 14 from an end, has .5^14 = 6e-5; that of 16 steps has .5^7 = 8e-3."""
    both = through_time(("1", "forward", FADING, None), ("1", "backward", FADING_BACK, None))
    lags, gradient = heard(both, 0)
    assert lags.tolist() == list(range(15))
    assert gradient.tolist() == pytest.approx([0.5**lag for lag in range(15)])
    assert verdict_of(both) == "vanishing (time)"
    short = through_time(("1", "forward", FADING[-16:], None), ("1", "backward", FADING_BACK[:16], None))
    assert verdict_of(short) == "plateau"
    assert verdict_of(through_time(("1", "forward", FADING[-16:], None))) == "vanishing (time)"


def test_of_two_inputs_as_far_from_an_end_the_one_that_is_heard_less_counts() -> None:
    deaf = [0.0 if t == 3 else 1.0 for t in range(T)]
    times = through_time(("1", "forward", deaf, None), ("1", "backward", deaf, None))
    lags, gradient = heard(times, 0)
    assert gradient[lags == 3].tolist() == [0.0]


def test_an_lstm_hears_through_its_cell() -> None:
    """Hochreiter & Schmidhuber 1997: h_t is squashed anew at every step, the cell is carried."""
    assert verdict_of(through_time(("1", "forward", FADING, LEVEL))) == "plateau"
    assert verdict_of(through_time(("1", "forward", LEVEL, FADING))) == "vanishing (time)"


def test_of_several_steps_each_is_looked_at_by_itself() -> None:
    late = through_time(("1", "forward", LEVEL, None))
    early = {**through_time(("1", "forward", FADING, None)), "step": np.full(T, 5)}
    both = {name: np.concatenate([late[name], early[name]]) for name in late}
    assert heard(both, 0)[1].tolist() == LEVEL
    assert heard(both, 5)[1].tolist() == FADING_BACK
    assert len(heard(both, 7)[0]) == 0


# --- what a lost signal cannot do ---


@pytest.mark.parametrize("stages", [FAINT, SAME])
def test_a_lost_signal_makes_no_loss_grow_and_may_be_why_what_was_learned_is_gone(stages: Any) -> None:
    """The best answer without a signal is that of chance."""
    broken = diagnose(made_case([*losses_falling(60), math.nan], stages=stages))
    assert (broken.label, len(broken.notes)) == ("diverged", 1)
    climbing = diagnose(made_case([CHANCE + 0.01 * step for step in range(900)], stages=stages))
    assert climbing.label == "diverged"
    relapse = diagnose(made_case([*losses_falling(60), *losses_stuck(60)], stages=stages))
    assert relapse.verdict in ("vanishing", "collapsed")


def test_of_half_dead_units_seven_tenths_of_a_signal_are_left() -> None:
    """sqrt(1 - d): d of .6 is no reason for one part in ten million."""
    for share, verdict in ((0.6, "vanishing"), (0.95, "dead units")):
        layers = [{"dead_fraction": share}] * STAGES + [{}]
        assert diagnose(made_case(losses_stuck(), stages=FAINT, layers=layers)).verdict == verdict


def test_dead_units_that_came_first_come_first() -> None:
    case = made_case(
        losses_stuck(),
        stages=FAINT,
        layers=[{"dead_fraction": 0.6}] * STAGES + [{}],
        probed=range(0, 100, 10),
    )
    probes = {name: np.array(values) for name, values in case.tables["probes"].items()}
    probes["sensitivity"][probes["step"] < 50] = 10.0
    found = diagnose(replace(case, tables={**case.tables, "probes": probes}))
    assert (found.verdict, found.cause and found.cause.onset) == ("dead units", 0)


# --- how far a loss falls without any signal ---


def test_a_loss_that_falls_towards_chance_from_above_proves_nothing() -> None:
    """The median of the first five is 30 x .985^2, that of the last twenty 30 x .985^109.5 = 5.73; 120 steps further it
    would be at .9, if nothing stopped it at ln 10."""
    losses = [30 * 0.985**step for step in range(120)]
    found = consequence_of(made_case(losses))
    assert found.kind == "slow"
    assert found.words == "the loss went from 29.1 to 5.73, no better than chance after 120 steps"
    assert diagnose(made_case(losses, stages=GROWN)).verdict == "exploding"
    assert diagnose(made_case(losses)).label == "healthy"  # nothing is wrong with its signal: it may get there
    little = consequence_of(made_case([CHANCE] * 20 + [0.8 * CHANCE] * 80)).words
    assert little == "the loss went from 2.3 to 1.84, little for 100 steps"
    below = [0.9 * CHANCE * 0.985**step for step in range(60)]
    assert consequence_of(made_case([CHANCE] * 20 + below)).kind == "none"


def test_one_answer_for_every_input_is_chance_though_nobody_knows_its_loss() -> None:
    def judged(**keys: Any) -> Any:
        keys = {"stages": SAME, "chance_loss": math.nan, **keys}
        return diagnose(made_case(keys.pop("losses", losses_falling()), **keys))

    found = judged()
    assert (found.label, found.consequence.kind) == ("collapsed", "stall")
    assert found.consequence.words.endswith(", with one answer for every input")
    assert judged(chance_loss=CHANCE).label == "healthy"  # a tenth of chance: it does tell inputs apart
    assert judged(losses=losses_falling(10)).label == "undecided"
    assert judged(stages=[{}] * 11).label == "healthy"
    # The weights of the output can make an answer of a difference of one part in a billion.
    assert judged(stages=[*SAME[:-1], {"input_share": 0.998}]).label == "healthy"
    late = made_case(losses_falling(), stages=SAME, probed=(0, 50), chance_loss=math.nan)
    probes = {name: np.array(values) for name, values in late.tables["probes"].items()}
    probes["input_share"][probes["step"] == 0] = 0.5
    assert diagnose(replace(late, tables={**late.tables, "probes": probes})).label == "healthy"


@pytest.mark.parametrize("chance", [CHANCE, math.nan])
def test_a_training_that_told_no_loss_is_undecided_whatever_its_signal_is_like(chance: float) -> None:
    assert diagnose(made_case([], stages=SAME, chance_loss=chance)).label == "undecided"


@pytest.mark.parametrize("backward", [1.5, 1.0, 0.7])
def test_a_gradient_that_grows_in_one_direction_explodes_whatever_the_other_does(backward: float) -> None:
    """1.5^29 is 1e5."""
    forward_states = [1.5**lag for lag in range(29, -1, -1)]
    backward_states = [backward**lag for lag in range(30)]
    times = through_time(
        ("recurrent_1", "forward", forward_states, None), ("recurrent_1", "backward", backward_states, None)
    )
    case = made_case(losses_stuck())
    found = diagnose(replace(case, tables={**case.tables, "times": times}))
    assert found.label == "exploding (time)"


def test_what_is_read_from_both_ends_is_as_far_away_as_the_nearer_one() -> None:
    """By the better direction at each time step, so 0.9 a step from either end to the middle."""
    length = 1000
    states = [0.9**lag for lag in range(length - 1, -1, -1)]
    times = through_time(("recurrent_1", "forward", states, None), ("recurrent_1", "backward", states[::-1], None))
    lags, gradient = heard(times, 0)
    assert lags.tolist() == list(range(length // 2))
    assert gradient.tolist() == [0.9**lag for lag in range(length // 2)]
