"""What `vgp-bench probe` says along time: one layer for the table, the checklist and the forecast."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor

from tests.composing import compose
from vgp_bench.probe.checklist import checklist
from vgp_bench.probe.forecast import forecast, symptoms_at_start
from vgp_bench.probe.item import Item
from vgp_bench.probe.looking import Look
from vgp_bench.probe.measuring import Measured, loop_of, measure, start_of, with_trial
from vgp_bench.probe.text import text
from vgp_bench.probe.through_time import through_time
from vgp_bench.records.rows import TimeRow

SMALL = ("architecture.hidden=8", "device=cpu", "dataset=adding", "trainer.max_steps=20", "optimizer.lr=1e-9")
RNN = ("architecture=rnn", "activation=tanh", "initializer=pytorch_default", *SMALL)


def stacked(first: Tensor, second: Tensor, second_from_first: Tensor) -> Measured:
    """A tanh net of two layers over 60 steps with these recurrent matrices, its states so small that tanh is linear."""
    composed = compose(*RNN, "architecture.layers=2", "dataset.length=60")
    loop = loop_of(composed)
    lower, upper = (layer.cells[0] for layer in loop.model.layers)
    with torch.no_grad():
        for parameter in (*lower.parameters(), *upper.parameters()):
            parameter.zero_()
        lower.input_to_hidden.weight.fill_(1e-5)
        lower.hidden_to_hidden.weight.copy_(first)
        upper.hidden_to_hidden.weight.copy_(second)
        upper.input_to_hidden.weight.copy_(second_from_first)
    return with_trial(start_of(composed, loop), loop)


def of_time(found: Measured) -> Item:
    (item,) = [item for item in checklist(found) if item.name.endswith("time steps")]
    return item


ONE = torch.eye(8)
HALF = torch.diag(torch.tensor([1.0] * 4 + [0.0] * 4))


def test_a_last_layer_that_forgets_is_no_harm_where_the_first_one_remembers() -> None:
    """dL/dh_t of layer 1 = (1 + .3 + ... + .3^lag) dL/dh_T: it ends at 1/.7 of the last; that of layer 2 at .3^59."""
    found = stacked(first=ONE, second=0.3 * ONE, second_from_first=ONE)
    seen = through_time(found.start.look)
    assert seen is not None
    assert (seen.layer, seen.symbol, seen.both_ways, seen.length) == ("layer_1", "h", False, 60)
    assert seen.lags == list(range(60))
    assert seen.farthest == pytest.approx(1 / 0.7, rel=0.02)
    assert of_time(found).mark == "ok"
    assert "first/last step 1.4e+00" in of_time(found).measured
    assert not any("time" in note for note in forecast(found).notes)
    above = [row.state_gradient_l2 for row in found.start.look.times if row.layer == "layer_2"]
    assert above[0] / above[-1] == pytest.approx(0.3**59, rel=0.1)  # of that layer alone one would say it vanishes


def test_a_last_layer_that_remembers_is_no_help_where_no_input_reaches_what_it_keeps() -> None:
    """Layer 2 keeps four units that hear nothing of layer 1; through the other four, of .5 a step like layer 1,
    dL/dh_t falls as (lag + 1) .5^lag: below 1e-3 from 14 steps back on, 15/16384."""
    keeps = HALF + 0.5 * (ONE - HALF)
    found = stacked(first=0.5 * ONE, second=keeps, second_from_first=ONE - HALF)
    above = [row.state_gradient_l2 for row in found.start.look.times if row.layer == "layer_2"]
    assert above[0] / above[-1] > 0.1
    seen = through_time(found.start.look)
    assert seen is not None
    assert seen.farthest == pytest.approx(60 * 0.5**59, rel=0.05)
    assert seen.gradients[14] / seen.gradients[0] == pytest.approx(15 / 16384, rel=0.02)
    assert of_time(found).mark == "look"
    (symptom,) = [symptom for symptom in symptoms_at_start(found) if symptom.axis == "time"]
    assert (symptom.verdict, symptom.lag) == ("vanishing", 14)
    printed = text(found).splitlines()
    assert "through time, of layer_1, on whose states alone the inputs act" in printed
    (row,) = [line for line in printed if line.startswith("||dL/dh_t||")]
    assert row.endswith(f"{seen.gradients[-1]:>8.0e}")


def with_times(found: Measured, rows: list[TimeRow]) -> Measured:
    """The same table at the start and after the trial."""

    def at(look: Look) -> Look:
        return replace(look, times=[replace(row, step=look.step) for row in rows])

    assert found.after_trial is not None
    return replace(found, start=replace(found.start, look=at(found.start.look)), after_trial=at(found.after_trial))


def rows_of(layer: str, direction: str, gradient: Callable[[int], float]) -> list[TimeRow]:
    lags = [(t, 29 - t if direction == "forward" else t) for t in range(30)]
    return [TimeRow(0, layer, direction, t + 1, lag, gradient(lag), math.nan) for t, lag in lags]


WAYS: dict[str, Callable[[int], float]] = {
    "level": lambda lag: 1.0,
    "fading": lambda lag: 0.5**lag,
    "growing": lambda lag: 2.0**lag,
    "a peak": lambda lag: 1e5 if lag == 12 else 1.0,
    "gone": lambda lag: float(lag == 0),
}


@pytest.fixture(scope="module")
def single() -> Measured:
    return measure(compose(*RNN, "dataset.length=5"))


@pytest.mark.parametrize(("first", "other", "direction"), [*product(WAYS, WAYS, ["backward", "above"])])
def test_the_checklist_never_says_ok_where_the_forecast_sees_something(
    single: Measured, first: str, other: str, direction: str
) -> None:
    rows = rows_of("layer_1", "forward", WAYS[first])
    second = ("layer_1", "backward") if direction == "backward" else ("layer_2", "forward")
    found = with_times(single, [*rows, *rows_of(*second, WAYS[other])])
    seen = [symptom for symptom in symptoms_at_start(found) if symptom.axis == "time"]
    assert (of_time(found).mark == "ok") is (seen == [])


def test_a_peak_between_is_told_with_its_size(single: Measured) -> None:
    found = with_times(single, rows_of("layer_1", "forward", WAYS["a peak"]))
    assert "first/last step 1.0e+00 (at most 1.0e+05 between)" in of_time(found).measured
    assert of_time(found).mark == "look"


@pytest.mark.parametrize(("way", "mark"), [("level", "ok"), ("fading", "look"), ("gone", "no")])
def test_a_gradient_that_is_gone_is_a_no_and_has_no_decay_to_tell(single: Measured, way: str, mark: str) -> None:
    item = of_time(with_times(single, rows_of("layer_1", "forward", WAYS[way])))
    assert item.mark == mark
    assert (" a step" in item.measured) is (way != "gone")
    assert "nan" not in item.measured


def test_what_is_read_from_both_ends_is_as_far_as_the_nearer_one() -> None:
    found = measure(compose(*RNN, "architecture.bidirectional=true", "dataset.length=20"))
    seen = through_time(found.start.look)
    assert seen is not None
    assert (seen.both_ways, seen.length, seen.lags) == (True, 20, list(range(10)))
    assert (of_time(found).name, "middle/ends" in of_time(found).measured) == ("20 time steps", True)
    assert any(line.startswith("to the end") for line in text(found).splitlines())


def test_an_lstm_is_read_at_its_cell() -> None:
    found = measure(compose("architecture=lstm", "activation=tanh", *SMALL, "dataset.length=12"))
    seen = through_time(found.start.look)
    assert seen is not None
    assert seen.gradients == [row.cell_gradient_l2 for row in reversed(found.start.look.times)]
    assert any(line.startswith("||dL/dc_t||") for line in text(found).splitlines())


def test_too_short_a_sequence_and_one_without_gradient_have_no_line(single: Measured) -> None:
    assert through_time(measure(compose(*RNN, "dataset.length=2")).start.look) is None
    silent = with_times(single, rows_of("layer_1", "forward", lambda lag: 0.0))
    assert through_time(silent.start.look) is None
    assert "through time" not in text(silent)


def test_who_trains_without_the_past_is_told_so_in_the_forecast_itself() -> None:
    """A tanh net of small recurrent weights learns from the last inputs, and forgets those 60 steps back."""
    found = measure(compose(*RNN[:-1], "dataset.length=60", "optimizer.lr=0.1", "trainer.max_steps=200"))
    told = forecast(found)
    (lag,) = [symptom.lag for symptom in symptoms_at_start(found) if symptom.axis == "time"]
    assert (told.trainable, told.forgets, told.short) == (True, lag, "near past only")
    printed = text(found)
    assert f"forecast   trainable, but not on what lies {lag} time steps back or more" in printed.splitlines()
    assert any(note.startswith("vanishing (time)") for note in told.notes)
    assert told.remedy is not None
    assert told.remedy.overrides[0] == "architecture=lstm"
    assert told.reasons == told.reasons[:1]  # it is not said a second time
