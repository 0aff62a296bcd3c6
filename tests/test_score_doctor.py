"""scripts/score_doctor: which networks, for how many steps, and the table."""

import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from benchmarks import score_doctor
from benchmarks.remedy_table import Score, text
from diagnosis_set.cases import read_cases

from vgp_bench.records.reading import find_runs


def scored(name: str, repaired: Sequence[bool], won: bool | None = None) -> Score:
    (case,) = (case for case in read_cases() if case.name == name)
    remedies = tuple(f"a={place}" for place in range(len(repaired)))
    learned = tuple(0.5 if good else math.nan for good in repaired)
    return Score(case, "vanishing", 120, remedies, tuple(repaired), learned, "b=1" if won else "", won)


SCORES = [
    scored("cnn/sigmoid-8", [True, False], won=True),
    scored("cnn_mnist/sigmoid", [False, True], won=False),
    scored("gru/lr-1e-8", [False, False, False]),
    scored("mlp/sigmoid-20", []),
]


def row(name: str, lines: Sequence[str]) -> list[str]:
    (found,) = (line for line in lines if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_shares_of_all_and_by_part_and_family() -> None:
    """Wilson's interval of 1 in 4 is [.046, .699], of 2 in 4 [.150, .850], of 1 in 2 [.095, .905] (Wilson 1927)."""
    lines = text(SCORES, ["rnn/well"], ["preface"]).splitlines()
    assert row("all", lines)[1:] == ["1/4 = 25 % [5, 70]", "2/4 = 50 % [15, 85]", "1/2 = 50 % [9, 91]"]
    assert row("development", lines)[1:] == ["1/2 = 50 % [9, 91]", "1/2 = 50 % [9, 91]", "1/1 = 100 % [21, 100]"]
    assert row("held out", lines)[1:3] == ["0/2 = 0 % [0, 66]", "1/2 = 50 % [9, 91]"]
    assert row("cnn", lines)[1] == "1/2 = 50 % [9, 91]"
    assert row("mlp", lines)[1:] == ["0/1 = 0 % [0, 79]", "0/1 = 0 % [0, 79]", "-"]
    assert lines[-1] == "Left out, since with so many steps nothing is wrong or not yet: rnn/well."


def test_to_come_up_to_chance_is_not_to_leave_it() -> None:
    """All three are healthy and better than without: one by .05 above chance, one from below it to chance."""
    scores = [replace(scored("mlp/sigmoid-20", [True]), learned=(far,)) for far in (0.05, -0.01, 0.3)]
    lines = text(scores, [], []).splitlines()
    assert row("all", lines)[1][:3] == "3/3"
    assert row("all, above chance", lines)[1:] == ["1/3 = 33 % [6, 79]", "1/3 = 33 % [6, 79]", "-"]


def test_every_network_with_what_was_tried() -> None:
    lines = text(SCORES, [], []).splitlines()
    assert row("cnn/sigmoid-8", lines)[1:] == ["120", "vanishing", "+ a=0 (0.50); - a=1 (nan)", "b=1"]
    assert row("cnn_mnist/sigmoid", lines)[-1] == "none"
    assert row("gru/lr-1e-8", lines)[-1] == "-"
    assert lines[-1].endswith("or not yet: none.")


def names(only: Sequence[str], data_dir: Path) -> set[str]:
    return {case.name for case in score_doctor.chosen(only, data_dir)}


def test_only_what_words_can_mend_and_there_are_data_for(tmp_path: Path) -> None:
    found = names([], tmp_path)
    assert "cnn/sigmoid-8" in found
    assert "recurrent/rows-overflow" not in found  # a meddling optimizer
    assert "recurrent/rows-nothing-to-learn" not in found  # no input tells its answer
    assert "recurrent/rows" not in found  # healthy
    assert "cnn_mnist/sigmoid" not in found
    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    assert "cnn_mnist/sigmoid" in names([], tmp_path)
    assert {name.partition("/")[0] for name in names(["gru/", "cnn/"], tmp_path)} == {"gru", "cnn"}


def test_each_kind_of_network_has_its_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--only", "mlp/lr-1e-7", "recurrent/rows-lr-1e-8", "--seeds", "1", "--max-runs", "0"]
    words += ["--steps", "40", "--slow-steps", "60", "--results", str(tmp_path), "--out", str(tmp_path / "table.md")]
    monkeypatch.setattr(sys, "argv", ["score_doctor", *words])
    assert score_doctor.main() == 0
    quick, slow = find_runs([tmp_path / "mlp.lr-1e-7"]), find_runs([tmp_path / "recurrent.rows-lr-1e-8"])
    assert {len(run.rows("steps")) for run in quick} == {40}
    assert {len(run.rows("steps")) for run in slow} == {60}
    assert len(slow) == 3  # as it is, and two rates
    table = (tmp_path / "table.md").read_text()
    assert row("mlp/lr-1e-7", table.splitlines())[1:3] == ["40", "update too small"]
    assert row("recurrent/rows-lr-1e-8", table.splitlines())[1:3] == ["60", "update too small"]
    command = "scripts/score_doctor --steps 40 --slow-steps 60 --seeds 1 --max-runs 0 --only "
    assert f"`{command}mlp/lr-1e-7 recurrent/rows-lr-1e-8`" in table
    assert "40 steps, 60 of recurrent networks and on sequences, 1 seed of each remedy, 0 runs a search." in table
    assert "not from how it fared" in table
    assert "is not that of networks never seen" in table
    assert table in capsys.readouterr().out
