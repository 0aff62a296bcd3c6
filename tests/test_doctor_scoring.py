"""What counts as repaired, who stands above whom, what became of the signal, and how it is told: by made records."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.composing import compose
from tests.made_cases import losses_falling, losses_stuck, made_case
from vgp_bench.diagnosis.finding import Diagnosis
from vgp_bench.diagnosis.judge import diagnose
from vgp_bench.doctor.changes import Change
from vgp_bench.doctor.flow import statistic_of
from vgp_bench.doctor.ranking import ranked, standing, winner
from vgp_bench.doctor.scoring import gain, repairs, score, validation, way
from vgp_bench.doctor.text import command_text, end_text, notes_text, table_text, verdict_text
from vgp_bench.doctor.trying import Attempt, Result
from vgp_bench.records.reading import RunRecord
from vgp_bench.records.summary import Summary

CHANCE = math.log(10)
WELL = diagnose(made_case(losses_falling(60), stages=[{}] * 4))
DECAY = [{"sensitivity": 10.0 ** -(8 - 2 * stage)} for stage in range(4)] + [{}]
ILL = diagnose(made_case(losses_stuck(), stages=DECAY))
COMPOSED = compose()


def record(
    accuracy: float, loss: float = CHANCE, state: str = "completed", seconds: float = 1.0, **more: Any
) -> RunRecord:
    summary = Summary(
        parameters=1000, epochs=1, steps=100, seconds=seconds, validation_accuracy=accuracy, validation_loss=loss
    )
    summary = replace(summary, chance_accuracy=0.1, chance_loss=CHANCE, **more)
    return RunRecord(Path("run"), state, summary=summary)


def results(
    name: str, accuracies: Sequence[float], diagnosis: Diagnosis = WELL, steps: int = 100, **more: Any
) -> list[Result]:
    overrides = tuple(name.split())
    change = Change(overrides, overrides, COMPOSED, "why")
    case = made_case(losses_stuck(), stages=DECAY)
    return [
        Result(Attempt(change, steps, seed), record(accuracy, **more), case, diagnosis)
        for seed, accuracy in enumerate(accuracies)
    ]


BASE = results("", [0.1, 0.1, 0.1], ILL)


def test_the_way_from_chance_to_perfection() -> None:
    assert way(record(0.1)) == pytest.approx(0.0)
    assert way(record(1.0)) == pytest.approx(1.0)
    assert way(record(0.55)) == pytest.approx(0.5)
    assert way(record(math.nan, CHANCE / 4)) == pytest.approx(0.75)  # a regression: its loss
    assert way(record(0.9, state="diverged")) == -1.0
    assert math.isnan(way(None))


def test_scores_are_in_order() -> None:
    """Half of it is the loss: of two equally right, the surer one; a diverged run below all, no record last."""
    assert score(record(0.55, CHANCE / 2)) == pytest.approx(0.5)
    assert score(record(0.55, CHANCE / 4)) > score(record(0.55, CHANCE / 2)) > score(record(0.1))
    assert score(record(0.1, 50 * CHANCE)) > score(record(0.9, state="diverged")) > score(None)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (results("a=1", [0.8, 0.85, 0.9]), True),
        (results("a=1", [0.8, 0.85, 0.9], ILL), False),  # it learns, but is called ill
        (results("a=1", [0.1, 0.11, 0.1]), False),  # healthy, but no better
        (results("a=1", [0.1, 0.9, 0.1]), False),  # one lucky seed: the interval reaches below 0
        (results("a=1", [0.6]), True),
        (results("a=1", [0.15]), False),  # one seed has no interval, so it has to be ahead by MARGIN
        ([*results("a=1", [0.8, 0.8]), *results("a=1", [0.8], ILL)], False),
        ([Result(Attempt(Change(("a=1",), (), COMPOSED), 100, 0), reason="no memory")], False),
        ([], False),
    ],
)
def test_what_repairs(after: list[Result], expected: bool) -> None:
    assert repairs(after, BASE) is expected


def test_the_gain_is_paired_by_seed() -> None:
    """0.2 and 0.4 above, in ways of .9: 2/9 and 4/9."""
    found = gain(results("a=1", [0.3, 0.7]), results("", [0.1, 0.3, 0.9], ILL))
    assert (found.n, found.mean) == (2, pytest.approx(3 / 9))
    assert validation(results("a=1", [0.3, 0.7]))[0].mean == pytest.approx(0.5)
    found, is_accuracy = validation(results("a=1", [math.nan], loss=0.5))
    assert (found.mean, is_accuracy) == (0.5, False)


def test_who_went_to_the_end_stands_above_and_who_repairs_first() -> None:
    short = results("short=1", [0.99], steps=33)
    ill = results("ill=1", [0.95] * 3, ILL)
    good = results("good=1", [0.8] * 3)
    failed = [Result(Attempt(Change(("failed=1",), (), COMPOSED), 100, 0), reason="no memory")]
    standings = ranked([failed, short, ill, good], BASE, statistic_of(ILL))
    assert [one.change.name for one in standings] == ["good=1", "ill=1", "failed=1", "short=1"]
    best = winner(standings)
    assert best is not None
    assert best.change.name == "good=1"
    assert winner([one for one in standings if one.change.name != "good=1"][:2]) is None


def test_the_cost_is_told_relative_to_the_network_as_it_is() -> None:
    (one,) = ranked([results("a=1", [0.8, 0.8], seconds=3.0)], BASE, statistic_of(ILL))
    assert one.seconds == pytest.approx(3.0)
    assert one.parameters == 1.0


@pytest.mark.parametrize(
    ("verdict", "case", "expected"),
    [
        ("vanishing", {"stages": [{"sensitivity": 3e-7}, {}, {"sample_gradient": 2.0}]}, 1.5e-7),
        ("dead units", {"layers": [{"dead_fraction": 0.2}, {"dead_fraction": 0.9}, {}]}, 0.9),
        ("saturated", {"stages": [{"slope_mean": 0.5}, {"slope_mean": 0.02}, {}]}, 0.02),
        ("collapsed", {"stages": [{"input_share": 0.5}, {"input_share": 1e-8}, {}]}, 1e-8),
        ("symmetric", {"stages": [{"weight_spread": 1.0}, {"weight_spread": 1e-7}, {}]}, 1e-7),
        ("update too small", {"layers": [{"update_ratio": 1e-9}, {"update_ratio": 1e-8}]}, 1e-8),
        ("diverged", {"stages": [{"sensitivity": 8.0}, {}, {"sample_gradient": 2.0}]}, 4.0),
    ],
)
def test_the_statistic_is_that_of_the_verdict(verdict: Any, case: dict[str, Any], expected: float) -> None:
    statistic = statistic_of(replace(ILL, verdict=verdict))
    assert statistic.of(made_case(losses_stuck(), **case)) == pytest.approx(expected)
    assert math.isnan(statistic.of(made_case()))


def test_along_time_it_is_the_ratio_of_first_and_last_step() -> None:
    case = made_case(losses_stuck(), times=[1.0, 1e-2, 1e-4])
    found = diagnose(case)
    assert found.label == "vanishing (time)"
    assert statistic_of(found).of(case) == pytest.approx(1e-4)


def test_the_table_fits_a_terminal_and_names_all() -> None:
    long = "architecture=residual_mlp architecture.residual=rezero optimizer=adam initializer=delta_orthogonal"
    found = [results(long, [0.9, 0.92, 0.94]), results("normalizer=batch", [0.4], ILL, steps=33)]
    statistic = statistic_of(ILL)
    standings = ranked(found, BASE, statistic)
    text = table_text(standings, standing(BASE, BASE, statistic), statistic, accuracy=True)
    assert max(map(len, text.splitlines())) <= 80
    assert "92.0 ±5.0" in text  # 4.303 x 2 / sqrt(3)
    assert any(line.startswith("   as it is  ") for line in text.splitlines())
    assert any(line.startswith("1  architecture=residual_mlp  ") for line in text.splitlines())
    assert "3×100" in text
    for word in long.split():
        assert word.partition("=")[0].partition(".")[0] in text
    notes = notes_text(statistic, standings, ["a=1", "b=2"], "the time was up")
    assert "not tried, the time was up: a=1; b=2" in notes
    assert max(map(len, notes.splitlines())) <= 80


def test_the_end_says_what_to_run_or_that_nothing_helps() -> None:
    statistic, folder = statistic_of(ILL), Path("results/doctor")
    good = ranked([results("normalizer=batch", [0.8] * 3)], BASE, statistic)
    text = end_text(winner(good), good, folder)
    assert text.startswith("best: normalizer=batch (healthy with it, 3 seeds of 3). Why")
    assert "\nvgp-bench run normalizer=batch\n" in text
    bad = ranked([results("a=1", [0.3], ILL), results("b=1", [0.1], ILL)], BASE, statistic)
    text = " ".join(end_text(winner(bad), bad, folder).split())
    assert text.startswith("nothing that was tried repairs it; the nearest is a=1, with which it is vanishing (depth).")
    worse = ranked([results("a=1", [0.05], ILL)], BASE, statistic)
    assert end_text(None, [], folder).startswith("nothing tried yet: the same command with more --minutes")
    assert end_text(None, worse, folder).startswith("nothing that was tried repairs it. It may need more steps")


def test_a_long_command_is_broken_as_a_shell_reads_it() -> None:
    words = [f"architecture.depth={n}" for n in range(9)] + ["dataset.options={length: 5}"]
    lines = command_text(Change((), tuple(words), COMPOSED)).splitlines()
    assert all(line.endswith(" \\") for line in lines[:-1])
    assert max(map(len, lines)) <= 80
    assert "'dataset.options={length: 5}'" in lines[-1]


def test_the_verdict_leaves_out_what_is_about_to_be_tried() -> None:
    text = verdict_text(ILL, 100)
    assert text.splitlines()[:2] == ["as it is, after 100 steps", f"verdict   {ILL.label}, {ILL.sure}"]
    assert verdict_text(ILL, 1).startswith("as it is, after 1 step\n")
    assert ILL.remedies
    assert not any(line.startswith(("try ", "or ")) for line in text.splitlines())
