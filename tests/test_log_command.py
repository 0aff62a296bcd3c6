"""`vgp-bench log`: what became of one run, by folder or by the beginning of its id."""

from pathlib import Path

import pytest

from tests.made_runs import mlp_config
from tests.made_sweeps import EXPERIMENT, made, sweep_of
from vgp_bench.cli import main
from vgp_bench.records.identity import run_id
from vgp_bench.sweep_record import log_path


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_log_of_several_processes_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    path = made(0, "failed", reason="once")
    log_path(path).parent.mkdir(parents=True)
    log_path(path).write_text("seed=0  (process 7)\ninterrupted\nseed=0  (process 9)\nfailed\n")
    assert main(["log", str(path)]) == 0
    assert f"{log_path(path)}, of 2 processes one after the other:" in capsys.readouterr().out.splitlines()


def test_log_shows_state_end_of_the_log_and_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    path = made(0, "failed", reason="ArithmeticError: once", ended="2026-11-21T08:00:00+00:00", host="box", pid=7)
    (path / "traceback.txt").write_text("Traceback (most recent call last)\n  in the middle\n")
    log_path(path).parent.mkdir(parents=True)
    log_path(path).write_text("".join(f"line {n}\n" for n in range(100)))
    sweep_of(range(1))
    for words in ([str(path)], [path.name[:5]], [path.name, "--results", str(EXPERIMENT)]):
        assert main(["log", *words, "-n", "3"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].endswith(f"made/{path.name}  seed=0")
        assert lines[1] == "failed: ArithmeticError: once"
        assert lines[2].endswith("ended 2026-11-21 08:00:00 UTC, process 7 on box")
        at = next(n for n, line in enumerate(lines) if line.endswith(".log, the last 3 of 100 lines:"))
        assert lines[at + 1 : at + 4] == ["line 97", "line 98", "line 99"]
        assert lines[-2:] == ["Traceback (most recent call last)", "  in the middle"]


def test_log_of_a_run_that_has_not_begun_or_has_nothing_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    path = made(0, ended="2026-11-21T08:00:00+00:00")
    sweep_of(range(2))
    assert main(["log", path.name]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    name = run_id(mlp_config(seed=1, trainer={"max_epochs": 7}))
    assert main(["log", name]) == 0
    assert capsys.readouterr().out.splitlines() == [f"results/made/{name}  seed=1", "queued: it has not begun"]


def test_log_refuses_a_beginning_that_fits_none_or_several(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("abc111111111", "abc222222222"):
        made(0).rename(EXPERIMENT / name)
    assert main(["log", "abc"]) == 2
    both = "results/made/abc111111111, results/made/abc222222222"
    assert capsys.readouterr().err == (
        f"vgp-bench: abc: the beginning of 2 ids: {both}; give more digits, or the folder\n"
    )
    assert main(["log", "abcd"]) == 2
    assert capsys.readouterr().err == (
        "vgp-bench: abcd: no run below results has an id that begins so; see vgp-bench status results\n"
    )
