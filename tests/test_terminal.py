"""What a person reads when runs have ended: the verdict of one, how many of each of several."""

from pathlib import Path

import pytest

from tests.judged_runs import healthy, vanished
from tests.made_runs import make_run, mlp_config, step_rows
from vgp_bench import terminal
from vgp_bench.outcome import Outcome
from vgp_bench.records.reading import read_summary
from vgp_bench.terminal import tell_all, tell_one


def ended(path: Path, state: str = "completed") -> Outcome:
    return Outcome("", state, path, "", read_summary(path))


def test_a_single_run_is_told_its_verdict_and_where_the_evidence_is(tmp_path, capsys):
    path = vanished(tmp_path)
    tell_one(ended(path))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("test accuracy 10.0%")
    assert lines[1].startswith("Verdict: vanishing (depth): h0 cannot move the outputs (1e-11, limit 0.001)")
    assert "; try architecture=residual_mlp architecture.residual=rezero" in lines[1]
    assert lines[2:] == [f"Evidence: vgp-bench diagnose {path}", f"Table: vgp-bench compare {path}"]


def test_a_healthy_run_needs_no_evidence(tmp_path, capsys):
    path = healthy(tmp_path)
    tell_one(ended(path))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("Verdict: healthy: the loss went from ")
    assert lines[2:] == [f"Table: vgp-bench compare {path}"]


@pytest.mark.parametrize("file", ["steps.parquet", "status.json"])
def test_a_run_that_cannot_be_judged_is_told_without(file, tmp_path, capsys):
    path = healthy(tmp_path)
    outcome = ended(path)
    (path / file).write_bytes(b"{")
    tell_one(outcome)
    assert [line.split(" ")[0] for line in capsys.readouterr().out.splitlines()] == ["test", "Table:"]


def test_a_sweep_counts_verdicts_the_most_frequent_first(tmp_path, capsys):
    paths = [healthy(tmp_path, 0), vanished(tmp_path, 0), vanished(tmp_path, 1)]
    failed = Outcome("x", "failed", make_run(tmp_path, mlp_config(9, 3), state="failed"), "no disk")
    tell_all([*map(ended, paths), failed], tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"Verdicts: 2 vanishing (depth), 1 healthy. Why: vgp-bench diagnose {tmp_path}"


def test_a_sweep_of_runs_too_short_to_judge_says_nothing(tmp_path, capsys):
    short = make_run(tmp_path, mlp_config(), steps=step_rows([2.0, 1.0]), test_accuracy=0.5)
    tell_all([ended(short)] * 2, tmp_path)
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_too_many_runs_are_not_read(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(terminal, "MOST_JUDGED", 1)
    paths = [healthy(tmp_path, 0), healthy(tmp_path, 1)]
    tell_all([*map(ended, paths)], tmp_path)
    assert len(capsys.readouterr().out.splitlines()) == 1
    tell_all([ended(paths[0])], tmp_path)
    assert "1 healthy" in capsys.readouterr().out
