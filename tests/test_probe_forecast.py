"""The forecast, and the checklist behind it: what is said of a network is what becomes of it."""

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from torch import nn

from tests.composing import compose
from vgp_bench.architectures.stages import Stage
from vgp_bench.diagnosis.known import Known
from vgp_bench.diagnosis.remedies import remedies_for
from vgp_bench.probe.case import case_of_start
from vgp_bench.probe.checklist import checklist
from vgp_bench.probe.effective_depth import effective_depth
from vgp_bench.probe.first_steps import go
from vgp_bench.probe.forecast import forecast
from vgp_bench.probe.measuring import Measured, loop_of, measure, start_of, with_trial
from vgp_bench.probe.weight_scale import weight_scales

ROOT = Path(__file__).parents[1]
STEPS = 150
SMALL = ("architecture.width=32", "device=cpu", "trainer.max_epochs=1000", f"trainer.max_steps={STEPS}")


@pytest.mark.parametrize(
    ("words", "learns", "why"),
    [
        ("architecture.depth=5", True, "tell inputs apart"),
        ("architecture.depth=20 activation=sigmoid", False, "move the slowest stage"),
        ("architecture.depth=20 activation=sigmoid normalizer=batch optimizer.lr=0.1", True, "tell inputs apart"),
        ("architecture.depth=4 activation=sigmoid optimizer=adam optimizer.lr=0.01", True, ""),
        ("architecture.depth=4 initializer.bias_mean=-4", False, "dead after the first steps"),
        ("architecture.depth=4 optimizer.lr=5", False, "within the first steps"),
        ("architecture.depth=4 optimizer.lr=1e-8", False, "move the slowest stage"),
        ("architecture=residual_mlp architecture.depth=40", False, "the loss is"),
        ("architecture=residual_mlp architecture.depth=20 architecture.residual=fixup", True, "tell inputs apart"),
    ],
)
def test_the_forecast_is_what_becomes_of_it(words: str, learns: bool, why: str) -> None:
    composed = compose(*words.split(), *SMALL)
    loop = loop_of(composed)
    found = with_trial(start_of(composed, loop), loop)
    said = forecast(found)
    losses = [math.inf]
    if not found.trial.steps.diverged and not (rest := go(loop, STEPS)).diverged:
        losses = [row.loss for row in rest.steps[-20:]]
    assert (sum(losses) / len(losses) < 0.9 * loop.feed.chance.loss) is learns
    assert said.trainable is learns
    assert why in " ".join(said.reasons)


@pytest.fixture(scope="module")
def healthy() -> Measured:
    return measure(compose("architecture.depth=4", *SMALL, "trainer.clip_norm=100"))


def mark(found: Measured, name: str) -> str:
    (item,) = [item for item in checklist(found) if item.name.startswith(name)]
    return item.mark


def test_nothing_is_wrong_with_a_healthy_network(healthy: Measured) -> None:
    marks = {item.name: item.mark for item in checklist(healthy)}
    assert set(marks.values()) == {"ok"}, marks
    assert len(marks) == 12
    assert forecast(healthy).notes == []


def with_start(found: Measured, **values: object) -> Measured:
    return replace(found, start=replace(found.start, **values))


def with_rows(found: Measured, table: str, **values: object) -> Measured:
    """All stages have these figures."""
    look = found.start.look
    rows = [replace(row, **values) for row in getattr(look, table)]
    return with_start(found, look=replace(look, **{table: rows}))


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("input scale", lambda found: with_start(found, input_std=255.0), "look"),
        ("input scale", lambda found: with_start(found, input_mean=128.0, input_std=5.0), "look"),
        ("loss", lambda found: with_start(found, look=replace(found.start.look, loss=2.3026 * 3)), "look"),
        ("loss", lambda found: with_start(found, look=replace(found.start.look, loss=2.3026 * 20)), "no"),
        ("inputs kept apart", lambda found: with_rows(found, "probes", input_share=1e-3), "look"),
        ("inputs kept apart", lambda found: with_rows(found, "probes", input_share=1e-7), "no"),
        ("slopes", lambda found: with_rows(found, "probes", slope_mean=0.05, saturated_units=0.9), "no"),
        ("slopes", lambda found: with_rows(found, "probes", slope_mean=0.05), "look"),
        ("dead", lambda found: with_rows(found, "layers", dead_fraction=0.6), "look"),
        ("dead", lambda found: with_rows(found, "layers", dead_fraction=0.95), "no"),
        ("depth", lambda found: with_rows(found, "probes", sensitivity=1e-9), "no"),
        ("weight scale", lambda found: with_start(found, weight_scales=[math.nan, 0.58, 1.41, 4.0]), "ok"),
        ("weight scale", lambda found: with_start(found, weight_scales=[0.0, 0.0, 0.0, 0.0, 1.0]), "look"),
        ("weight scale", lambda found: with_start(found, weight_scales=[1.0, 1.0, 1.0, 8.0]), "look"),
        ("batch norm,", lambda found: with_start(found, batch_noise=0.1), "ok"),
        ("batch norm,", lambda found: with_start(found, batch_noise=0.5), "look"),
        ("batch norm,", lambda found: with_start(found, batch_noise=2.0), "no"),
    ],
)
def test_a_measurement_out_of_its_range_is_marked(healthy: Measured, name: str, change, expected: str) -> None:
    assert mark(change(healthy), name) == expected


def test_standard_normal_weights_are_measured_and_judged_by_what_they_do() -> None:
    """Digits have 64 inputs and the layers 100: the scale is 8 and 10. Batch normalization takes it out again."""
    words = ["architecture.depth=4", "architecture.width=100", "initializer=normal_01", "device=cpu"]
    plain, normalized = measure(compose(*words)), measure(compose(*words, "normalizer=batch", "trainer.max_steps=20"))
    assert plain.start.weight_scales == pytest.approx([8, 10, 10, 10, 10], rel=0.05)
    assert mark(plain, "weight scale") == "no"
    assert mark(normalized, "weight scale") == "look"
    small = measure(
        compose(*words[:2], "initializer=uniform_001", "device=cpu")
    )  # width .02: sqrt(fan in) .02/sqrt(12)
    assert small.start.weight_scales == pytest.approx([0.0462, *[0.0577] * 4], rel=0.05)
    assert mark(small, "weight scale") == "no"


def test_a_weight_scale_is_that_of_what_is_summed() -> None:
    """Constant weights of 2: nine inputs of a channel in a convolution, two channels; an embedding sums nothing."""
    conv, table = nn.Conv2d(2, 5, 3), nn.Embedding(7, 400)
    nn.init.constant_(conv.weight, 2.0)
    both = nn.Sequential(nn.Linear(4, 1), conv)
    nn.init.constant_(both[0].weight, 0.5)
    stages = [Stage("conv", conv, 1), Stage("table", table, 2), Stage("both", both, 3)]
    scales = weight_scales(stages)
    assert scales == pytest.approx([2 * math.sqrt(18), math.nan, 2 * math.sqrt(18)], nan_ok=True)


def test_clipping_at_every_step_is_worth_a_look(healthy: Measured) -> None:
    assert mark(healthy, "clipping") == "ok"
    tight = measure(compose("architecture.depth=2", *SMALL, "trainer.clip_norm=1e-3"))
    assert mark(tight, "clipping") == "look"
    loud = with_start(
        measure(compose("architecture.depth=2", *SMALL)), look=replace(healthy.start.look, gradient_l2=1e5)
    )
    assert mark(loud, "clipping") == "look"


@pytest.mark.parametrize(("rate", "expected"), [("1e-9", "no"), ("1e-4", "look"), ("100", "no")])
def test_the_learning_rate_is_judged_by_what_the_first_step_moves(rate: str, expected: str) -> None:
    assert mark(measure(compose("architecture.depth=4", *SMALL, f"optimizer.lr={rate}")), "learning") == expected


def test_what_starts_symmetric_stays_so_and_a_branch_of_zeros_does_not() -> None:
    words = ["initializer=uniform_001", "initializer.low=0.01", "initializer.high=0.0100000001"]
    same = measure(compose("architecture.depth=3", *SMALL, *words, "activation=tanh"))
    assert mark(same, "units") == "no"
    assert any(note.startswith("symmetric") for note in forecast(same).notes)
    zero = measure(compose("architecture=residual_mlp", "architecture.residual=zero_init", *SMALL))
    assert mark(zero, "units") == "ok"


def test_recurrent_networks_are_measured_along_time() -> None:
    words = [
        "architecture=rnn",
        "activation=tanh",
        "initializer=pytorch_default",
        "architecture.hidden=8",
        "device=cpu",
    ]
    long = measure(compose(*words, "dataset=adding", "dataset.length=60"))
    assert mark(long, "60 time steps") == "look"
    broken = measure(compose(*words, "dataset=adding", "dataset.length=20", "initializer=orthogonal", "optimizer.lr=3"))
    (item,) = [item for item in checklist(broken) if item.name == "20 time steps"]
    assert re.search(r"first/last step \d\.\de[+-]0[01], .*; after 10 steps \d\.\de[+-]\d\d$", item.measured)
    assert item.mark == "look"
    short = measure(compose(*words, "dataset=adding", "dataset.length=4", "initializer=orthogonal"))
    assert mark(short, "4 time steps") == "ok"


def test_effective_depth_counts_layers_that_move_and_are_heard(healthy: Measured) -> None:
    stages = len(healthy.start.look.probes)
    assert effective_depth(healthy) == (stages, stages, 0, 0)
    noisy = with_start(healthy, signals_to_noise=[0.5, -0.1, *[3.0] * (stages - 3), math.nan])
    assert effective_depth(noisy) == (stages - 3, stages - 1, 0, 2)
    steps = healthy.trial.steps
    rows = [replace(steps.layers[0], update_ratio=1e-9), *steps.layers[1:]]
    still = replace(healthy, trial=replace(healthy.trial, steps=replace(steps, layers=rows)))
    assert effective_depth(still) == (stages - 1, stages, 1, 0)


def test_a_diagnosis_is_given_the_update_of_the_first_step(healthy: Measured) -> None:
    case = case_of_start(healthy)
    assert sorted(set(case.column("layers", "step"))) == [0, 10]
    ratios = case.column("layers", "update_ratio")[: len(healthy.start.look.layers)]
    assert list(ratios) == [row.update_ratio for row in healthy.trial.steps.layers]
    assert (ratios > 0).all()


def test_the_score_counts_false_alarms_among_those_that_left_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from benchmarks.forecast_cases import CALIBRATION, HELD_OUT
    from benchmarks.forecast_tables import Score, share_lines, wilson

    scores = [
        Score("a", True, 0.5, 1.0, 1.0),
        Score("b", False, 0.5, 0.0, 0.0),
        Score("c", False, math.inf, 0.0, 0.0),
        Score("d", True, 1.0, 1.0, 1.0),
        Score("e", True, 0.89, 1.0, 1.0),
    ]
    line = share_lines({"some": scores})[2]
    assert re.findall(r"\d+/\d+", line) == ["3/5", "1/3", "1/2", "1/2"]
    unknowable = [
        *scores,
        Score("f", True, 1.0, 1.0, 1.0, near=True),
        Score("g", True, 1.0, 1.0, 1.0, answerable=False),
    ]
    assert re.findall(r"\d+/\d+", share_lines({"some": unknowable})[2]) == ["3/7", "1/3", "3/4", "1/2"]
    # Wilson 1927 for 0 of n: z^2 / (n + z^2) = 3.8415 / 63.8415.
    assert wilson(0, 60) == pytest.approx((0.0, 0.06017), abs=1e-5)
    assert len(set(CALIBRATION) | set(HELD_OUT)) == len(CALIBRATION) + len(HELD_OUT) >= 60


def test_what_cannot_be_trained_gets_a_remedy_to_try() -> None:
    told = forecast(measure(compose("architecture.depth=15", *SMALL, "activation=sigmoid")))
    assert not told.trainable
    assert told.remedy is not None
    assert told.remedy.overrides == ("architecture=residual_mlp", "architecture.residual=rezero")
    fast = forecast(measure(compose("architecture.depth=4", *SMALL, "optimizer.lr=1000")))
    assert (fast.trainable, fast.notes) == (False, [])  # it is over before any symptom shows
    assert fast.remedy is not None
    assert fast.remedy.overrides == ("optimizer.lr=0.01",)
    cured = forecast(measure(compose("architecture.depth=15", *SMALL, *told.remedy.overrides)))
    assert (cured.trainable, cured.remedy) == (True, None)


def test_a_symptom_that_the_first_steps_overcome_is_told_beside_the_forecast(healthy: Measured) -> None:
    spoilt = with_rows(healthy, "probes", input_share=1e-9)
    assert forecast(healthy).reasons[-1].startswith("at the pace")
    seen = replace(spoilt, after_trial=None)
    told = forecast(seen)
    assert told.trainable
    assert told.reasons[-1] == "in spite of collapsed, which does not keep the first steps from it"


def with_losses(found: Measured, before: float, after: float) -> Measured:
    """At the start and after the trial, as multiples of the chance loss."""
    chance = found.start.chance.loss
    assert found.after_trial is not None
    changed = with_start(found, look=replace(found.start.look, loss=before * chance))
    return replace(changed, after_trial=replace(found.after_trial, loss=after * chance), ahead=10.0)


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (500.0, 99.0, ""),
        (500.0, 101.0, "after the first steps the loss is 101 x chance (lost: 100), the outputs are far too large"),
        # Ten times the fall of the trial: 3 - 10 x .1 = 2 is above chance, 3 - 10 x .21 = .9 below.
        (3.0, 2.9, "after the first steps the loss is 2.9 x chance, and at their pace the run does not bring it down"),
        (3.0, 2.79, ""),
        (1.0, 1.6, "after the first steps the loss is 1.6 x chance, and at their pace the run does not bring it down"),
        (1.0, 1.4, ""),
    ],
)
def test_a_loss_far_above_chance_has_to_come_down(healthy: Measured, before: float, after: float, why: str) -> None:
    told = forecast(with_losses(healthy, before, after))
    assert told.trainable is (not why)
    assert told.reasons[0].startswith(why or "at the pace")
    assert (told.remedy is None) is told.trainable
    if told.remedy is not None:  # against steps that climb, or against a fall that does not get there
        known = Known.of(case_of_start(healthy))
        climbing, standing = (remedies_for(verdict, None, known)[0] for verdict in ("diverged", "plateau"))
        assert climbing != standing
        assert told.remedy == (climbing if after > before else standing)


def test_outputs_too_large_to_be_undone_stay_so() -> None:
    """Weights of N(0, 1) and width 64: each layer is sqrt(64 / 2) times as large as the one before. The trainings end
    where they began, far above chance; a layer norm takes the size out, and then it learns."""
    words = ("initializer=normal_01", "optimizer=adam", "architecture.depth=6", *SMALL, "architecture.width=64")
    for normalizer, learns in (("none", False), ("layer", True)):
        loop = loop_of(composed := compose(*words, f"normalizer={normalizer}"))
        found = with_trial(start_of(composed, loop), loop)
        assert forecast(found).trainable is learns
        losses = [row.loss for row in go(loop, STEPS).steps[-20:]]
        assert (sum(losses) / len(losses) < 0.9 * loop.feed.chance.loss) is learns


def test_who_is_only_slow_is_told_what_to_try_and_how_many_steps_there_are() -> None:
    told = forecast(measure(compose("architecture.depth=2", "device=cpu", "trainer.max_steps=12", "optimizer.lr=1e-5")))
    assert (told.trainable, told.remedy is None) == (False, False)
    assert told.reasons[0].startswith("at the pace of the first 10, the run's 12 steps tell inputs apart by ")
    assert told.reasons[0].endswith(" nats of a logit (enough: 0.1)")


def test_answers_that_are_numbers_are_told_apart_in_their_own_unit() -> None:
    told = forecast(measure(compose("architecture=rnn", "activation=tanh", "dataset=adding", "device=cpu")))
    assert " of the target's unit" in told.reasons[0]
