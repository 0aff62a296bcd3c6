"""What a person reads when runs have ended: the verdict of one, how many of each of several."""

import contextlib
import fcntl
import io
import os
import pty
import struct
import sys
import termios
from pathlib import Path

import pytest

from tests.judged_runs import healthy, vanished
from tests.made_runs import make_run, mlp_config, step_rows
from vgp_bench import terminal
from vgp_bench.outcome import Outcome
from vgp_bench.records.reading import read_summary
from vgp_bench.terminal import tell_all, tell_one
from vgp_bench.wrapping import fitted


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


class Narrow(io.StringIO):
    """A terminal without a number of its own, as in a notebook."""

    def isatty(self) -> bool:
        return True


@contextlib.contextmanager
def screen(number, columns):
    """Standard output (1) or error (2), on a terminal of its own of so many columns; what it shows afterwards."""
    above, below = pty.openpty()
    fcntl.ioctl(below, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    shown = io.StringIO()
    redirect = {1: contextlib.redirect_stdout, 2: contextlib.redirect_stderr}[number]
    with os.fdopen(above, "rb", buffering=0) as screen, os.fdopen(below, "w") as stream:
        with redirect(stream):
            yield shown
        stream.write("\0")
        stream.flush()
        text = b""
        while not text.endswith(b"\0"):
            text += screen.read(65536)
    shown.write(text[:-1].decode().replace("\r\n", "\n"))


def widest(shown, folder):
    """Of the lines whose words can be parted: a command to copy stays whole, however long the folder's name is."""
    return max(len(line) for line in shown.getvalue().splitlines() if str(folder) not in line)


def test_on_a_terminal_no_line_is_wider_than_it_is(tmp_path):
    path = vanished(tmp_path)
    with screen(1, 80) as shown:
        tell_one(ended(path))
    lines = shown.getvalue().splitlines()
    assert 70 < widest(shown, tmp_path) <= 80
    assert lines[-1] == f"Table: vgp-bench compare {path}"
    assert lines[-2] == f"Evidence: vgp-bench diagnose {path}"
    verdict = " ".join(line.strip() for line in lines[:-2])
    assert "try architecture=residual_mlp architecture.residual=rezero" in verdict


def test_a_failure_and_a_sweep_fit_as_well(tmp_path):
    reason = "the loss is nan at step 3, and that is told here in so many words that they need a second line"
    outcomes = [Outcome(f"seed={seed}", "failed", None, f"{reason} {seed}") for seed in range(3)]
    with screen(1, 80) as shown, screen(2, 50) as errors:
        tell_one(Outcome("", "failed", None, reason))
        tell_all([ended(vanished(tmp_path)), ended(healthy(tmp_path)), *outcomes], tmp_path, not_started=12, same=7)
    assert 60 < widest(shown, tmp_path) <= 80
    assert 40 < widest(errors, tmp_path) <= 50
    assert " ".join(errors.getvalue().split()).count("in so many words that they need a second line") == 4
    assert f"\n  Table: vgp-bench compare {tmp_path}\n" in shown.getvalue()
    assert f"\n  Why: vgp-bench diagnose {tmp_path}\n" in shown.getvalue()


@pytest.mark.parametrize(("number", "other"), [(1, 2), (2, 1)])
def test_a_line_is_as_wide_as_the_terminal_it_is_for(number, other):
    words = "word " * 30
    with screen(number, 40) as shown, screen(other, 90):
        stream = {1: sys.stdout, 2: sys.stderr}[number]
        folded = fitted(words, stream=stream)
        print(folded, file=stream)
    assert max(map(len, folded.splitlines())) == 39  # eight words of four letters, with seven gaps
    assert shown.getvalue() == f"{folded}\n"


def test_a_stream_to_a_file_beside_a_terminal_stays_whole(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    with screen(1, 40):
        assert fitted("word " * 30, stream=io.StringIO()) == "word " * 30


@pytest.mark.parametrize("columns", [30, 60])
def test_a_terminal_that_does_not_know_its_width_is_as_wide_as_the_shell_says(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    with screen(1, 0):
        assert columns - 5 < max(map(len, fitted("word " * 30).splitlines())) <= columns
    assert columns - 5 < max(map(len, fitted("word " * 30, stream=Narrow()).splitlines())) <= columns


def test_lines_of_a_reason_are_folded_apart(monkeypatch):
    monkeypatch.setenv("COLUMNS", "24")
    reason = "the launcher said:\n\n  no such partition and here is more of it\nend"
    lines = ["the launcher said:", "", "  no such partition and", "  here is more of it", "end"]
    assert fitted(reason, stream=Narrow()).split("\n") == lines


def test_in_a_log_file_a_verdict_is_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    tell_one(ended(vanished(tmp_path)))
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) == 4
    assert "\N{NO-BREAK SPACE}" not in printed
