"""What stands in the line of a run that has ended, in a log file and on a terminal."""

import re
import sys
from pathlib import Path

import pytest

from vgp_bench import progress
from vgp_bench.config import ComposedRun
from vgp_bench.launchers.launcher import Task
from vgp_bench.outcome import Outcome
from vgp_bench.progress import Board
from vgp_bench.records.summary import Summary

SHORT = "activation=relu seed=0"
LONG = "architecture=residual_mlp activation=sigmoid normalizer=batch optimizer.weight_decay=0.0001 seed=10"
SUMMARY = Summary(parameters=10, epochs=1, steps=10, test_accuracy=0.935, initial_gradient_ratio=1.4)


def lines(capsys: pytest.CaptureFixture[str], *outcomes: Outcome) -> list[str]:
    with Board(len(outcomes) + 8, visible=False) as board:
        board.begin(len(outcomes) + 8, 8)
        for number, outcome in enumerate(outcomes, 1):
            task = Task(number, ComposedRun({}, {}, outcome.label), Path("run"), [])
            board.started(task)
            board.ended(task, outcome)
    return capsys.readouterr().out.splitlines()


def done(label: str) -> Outcome:
    return Outcome(label, "completed", Path("run"), "", SUMMARY)


def test_in_a_log_file_a_run_has_one_line_the_settings_first(capsys: pytest.CaptureFixture[str]) -> None:
    found = lines(capsys, done(SHORT), done("seed=1"), done(LONG), Outcome("", "failed", None, "a reason " * 30))
    figures = r"test accuracy  93\.5%, gradient first/last 1\.4e\+00  \d\.\d s"
    # 12 runs; the settings are padded to those before, so that figures stand below each other
    for line, place, label in zip(found, (" 9", "10", "11"), (SHORT, f"{'seed=1':<{len(SHORT)}}", LONG), strict=False):
        assert re.fullmatch(rf"\[{place}/12\] done     {re.escape(label)}  {figures}", line)
    assert found[3].startswith("[12/12] FAILED   the run  ")
    assert len(found) == 4


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_on_a_terminal_no_line_is_wider_and_nothing_is_lost(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    found = lines(capsys, done(SHORT), done(LONG), Outcome(SHORT, "failed", None, "a reason " * 30))
    assert max(map(len, found)) <= columns
    text = " ".join(" ".join(found).split())
    assert (text.count(SHORT), text.count(LONG), text.count("93.5%"), text.count("a reason")) == (2, 1, 2, 30)
    assert found[0].startswith(f"[ 9/11] done     {SHORT}")
    assert sum(line.startswith("[") for line in found) == 3
    assert all(line.startswith(("[", " " * 17)) for line in found)


@pytest.mark.parametrize(("runs", "told"), [(1, "1 of 1 run ended"), (2, "1 of 2 runs ended")])
def test_counts_in_a_log_file_agree(
    runs: int, told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    with Board(4, visible=True) as board:  # of which some turn out to be the same
        board.begin(runs, 0)
        board.ended(Task(1, ComposedRun({}, {}, "seed=1"), Path("run"), []), done("seed=1"))
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"{told}, 0 running")
