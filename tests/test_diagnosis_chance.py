"""The level of an answer that ignores the input is known from the first step of a run on, not only at its end."""

import math
from pathlib import Path
from typing import Any

import pytest

from tests.composing import compose
from tests.made_cases import losses_stuck
from vgp_bench.diagnosis.case import case_of
from vgp_bench.diagnosis.runs import judge_run
from vgp_bench.records.chance import ChanceLevels
from vgp_bench.records.reading import read_run
from vgp_bench.records.rows import StepRow
from vgp_bench.records.store import RunStore
from vgp_bench.run import perform

LOUD = [7.0] * 10 + losses_stuck(90)
"""It comes down from a bad start, and stays at ln 10."""


def running(path: Path, environment: dict[str, Any]) -> Path:
    """A run whose process is at work."""
    store = RunStore(path)
    store.begin({"seed": 0}, {}, environment)
    for step, loss in enumerate(LOUD):
        store.append(StepRow(step, 0, 0.1, loss, 0.1, 1.0, math.nan))
    store.flush()
    return path


def test_a_stall_at_chance_is_told_while_it_lasts(tmp_path: Path) -> None:
    known = running(tmp_path / "known", {"chance": ChanceLevels(math.log(10), 0.1).as_json()})
    found = judge_run(read_run(known))
    assert found.label == "plateau"
    assert found.diagnosis is not None
    assert "chance 2.3" in found.diagnosis.consequence.words
    assert judge_run(read_run(running(tmp_path / "old", {}))).label == "healthy"  # nothing says that 2.3 is chance


@pytest.mark.parametrize("written", [None, "2.3", {"loss": "2.3", "accuracy": True}, {}])
def test_what_is_no_number_is_not_known(tmp_path: Path, written: Any) -> None:
    case = case_of(read_run(running(tmp_path, {"chance": written})))
    assert math.isnan(case.chance_loss)
    assert math.isnan(case.chance_accuracy)


def test_a_run_writes_it_as_it_begins_and_a_summary_says_the_same(tmp_path: Path) -> None:
    words = ["architecture.depth=2", "trainer.max_steps=2", "device=cpu", f"results_dir={tmp_path}"]
    path = perform(compose(*words), [], lambda steps: lambda done, loss: None).path
    assert path is not None
    record = read_run(path)
    assert record.environment["chance"] == pytest.approx({"loss": math.log(10), "accuracy": 0.1})
    ended = case_of(record)
    (path / "summary.json").unlink()
    begun = case_of(read_run(path))
    assert (begun.chance_loss, begun.chance_accuracy) == (ended.chance_loss, ended.chance_accuracy)


def test_a_regression_has_no_accuracy_to_write() -> None:
    assert ChanceLevels(0.17, math.nan).as_json() == {"loss": 0.17, "accuracy": None}
