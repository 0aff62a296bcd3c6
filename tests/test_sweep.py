"""Several runs in one process: one that ends badly does not stop the others, and the end says what became of each."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import own_parts
from tests.small_runs import EPOCHS, OWN, SMALL, STEPS_PER_EPOCH, folder_with_own_parts  # noqa: F401  a fixture of every test here too
from vgp_bench.cli import main
from vgp_bench.records.reading import find_runs

ROOT = Path(__file__).parents[1]
RESULT = r"test accuracy +\d+\.\d%"


def states() -> dict[int, str]:
    """The state of each run on disk, by its seed."""
    return {run.seed: run.state for run in find_runs(["results"])}


def sweep(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[str], list[str]]:
    """(exit code, lines on stdout, lines on stderr)"""
    code = main(["run", "-m", *words])
    printed = capsys.readouterr()
    return code, printed.out.splitlines(), printed.err.splitlines()


def tells(line: str, place: str, mark: str, label: str, result: str = RESULT) -> bool:
    """Whether the line of a run says which it is, what became of it (a pattern), and in what time; in any order."""
    start, rest = line[: len(place)], line[len(place) :]
    words = (rf" {mark} ", rf"(^| ){re.escape(label)}( |$)", rf" {result}", r" \d+\.\d s\b")
    return start == place and all(re.search(word, rest) for word in words)


def test_every_run_has_a_line_and_the_end_has_the_counts(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["activation=relu,tanh", "seed=0,1"]
    code, out, err = sweep(capsys, *SMALL, *words)
    assert (code, err) == (0, [])
    labels = [f"activation={activation} seed={seed}" for activation in ("relu", "tanh") for seed in (0, 1)]
    for number, (label, line) in enumerate(zip(labels, out, strict=False), 1):
        assert tells(line, f"[{number}/4]", "done", label)
    assert out[4:] == ["4 runs: 4 completed. Table: vgp-bench compare results/default"]
    assert len(find_runs(["results"])) == 4

    code, out, err = sweep(capsys, *SMALL, "activation=relu", "seed=0,2")
    assert (code, err) == (0, [])
    assert out[0] == "1 of 2 runs finished earlier and not run again"
    assert tells(out[1], "[2/2]", "done", "seed=2")
    assert out[2].startswith("2 runs: 1 finished earlier and not run again, 1 completed. Table: ")


def test_a_failed_run_does_not_stop_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    Path("HOLD").write_text("")  # step 5 of the process is one of the first run
    code, out, err = sweep(capsys, *OWN, *SMALL, "seed=0,1")
    assert code == 1
    assert tells(out[0], "[1/2]", "FAILED", "seed=0", "ArithmeticError: an own part")
    assert tells(out[1], "[2/2]", "done", "seed=1")
    assert out[2] == "2 runs: 1 failed, 1 completed. Table: vgp-bench compare results/default"
    (path,) = [run.path for run in find_runs(["results"]) if run.seed == 0]
    assert err == [f"failed: seed=0: ArithmeticError: an own part (see {path / 'traceback.txt'})"]
    assert states() == {0: "failed", 1: "completed"}


@pytest.mark.parametrize("where", ["happen", "__init__"])
def test_a_part_that_calls_sys_exit_ends_its_run_only(
    where: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == "happen":
        Path("HOLD").write_text("")
    genuine, calls = getattr(own_parts.Incident, where), 0

    def leave(*of: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        return genuine(*of, **more) if calls > 1 else sys.exit(0)

    monkeypatch.setattr(own_parts.Incident, where, leave)
    code, out, err = sweep(capsys, *OWN, *SMALL, "seed=0,1")
    assert code == 1
    assert tells(out[0], "[1/2]", "FAILED", "seed=0", "SystemExit: 0")
    assert tells(out[1], "[2/2]", "done", "seed=1")
    (path,) = [run.path for run in find_runs(["results"]) if run.seed == 0]
    assert err == [f"failed: seed=0: SystemExit: 0 (see {path / 'traceback.txt'})"]
    assert "in leave" in (path / "traceback.txt").read_text()


def test_a_run_that_cannot_even_be_built_does_not_stop_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = sweep(capsys, *SMALL, "activation=gelu", "activation.approximate=nonsense,none")
    assert code == 1
    assert tells(out[0], "[1/2]", "FAILED", "activation.approximate=nonsense", "RuntimeError: approximate argument")
    assert tells(out[1], "[2/2]", "done", "activation.approximate=none")
    assert len(err) == 1


def test_a_refused_cell_does_not_stop_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = sweep(capsys, *SMALL, "initializer=delta_orthogonal,he_normal", "seed=7")
    assert code == 2
    reason = "initializer=delta_orthogonal: the architecture has no convolutions: use initializer=orthogonal"
    assert tells(out[0], "[1/2]", "REFUSED", "initializer=delta_orthogonal", reason)
    assert tells(out[1], "[2/2]", "done", "initializer=he_normal")
    assert out[2].startswith("2 runs: 1 refused before the start, 1 completed. Table: ")
    assert err == [f"refused: initializer=delta_orthogonal: {reason}"]
    assert states() == {7: "completed"}


def test_a_divergence_in_a_sweep_is_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = sweep(capsys, *SMALL, "optimizer.lr=1e30,0.1")
    assert (code, err) == (0, [])
    assert tells(out[0], "[1/2]", "DIVERGED", "optimizer.lr=1e+30", "gradient")
    assert tells(out[1], "[2/2]", "done", "optimizer.lr=0.1")
    assert out[2].startswith("2 runs: 1 diverged, 1 completed. Table: ")


def test_a_wrong_word_in_the_last_cell_stops_the_sweep_before_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = sweep(capsys, *SMALL, "activation=relu,tanh,nonsense")
    assert (code, out, len(err)) == (2, [], 1)
    assert not Path("results").exists()


def test_a_value_of_the_wrong_type_in_the_last_cell_stops_the_sweep_too(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = sweep(capsys, *SMALL, "architecture.depth=3,ten")
    assert (code, out) == (2, [])
    assert err == ["vgp-bench: architecture.depth=ten: expected an integer"]
    assert not Path("results").exists()


def test_an_interrupted_sweep_keeps_what_ran_and_goes_on_where_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    Path("HOLD").write_text("wait")
    words = [*OWN, *SMALL, "seed=0,1,2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "INCIDENT_AT": str(EPOCHS * STEPS_PER_EPOCH + 5)}
    environment.pop("PYTHONUNBUFFERED", None)
    command = [sys.executable, "-m", "vgp_bench", "run", "-m", *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout
        line = process.stdout.readline()  # at once, though it goes into a pipe
        assert tells(line.rstrip("\n"), "[1/3]", "done", "seed=0")
        assert process.stdout.readline() == "held\n"
        process.send_signal(signal.SIGINT)
        Path("HOLD").unlink()  # the present step may end
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == "stopped after 1 of 3 runs: the same command goes on from there\n"
    assert err == "3 runs, loading torch ...\nvgp-bench: interrupted\n"
    assert states() == {0: "completed", 1: "interrupted"}

    code, lines, _ = sweep(capsys, *words)
    assert code == 0
    assert lines[:2] == ["1 of 3 runs finished earlier and not run again", "1 broken off earlier, resumed"]
    assert [line[:14] for line in lines[2:4]] == ["[2/3] done    ", "[3/3] done    "]
    assert states() == dict.fromkeys(range(3), "completed")


def test_after_ctrl_c_what_failed_before_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("HOLD").write_text("")
    genuine = own_parts.Incident.step

    def step(self: own_parts.Incident, *of: Any) -> Any:
        if own_parts.steps_in_this_process == 2 * EPOCHS * STEPS_PER_EPOCH:  # in the run after the one that fails
            signal.raise_signal(signal.SIGINT)
        return genuine(self, *of)

    monkeypatch.setattr(own_parts.Incident, "step", step)
    monkeypatch.setenv("INCIDENT_AT", str(EPOCHS * STEPS_PER_EPOCH + 5))
    code, out, err = sweep(capsys, *OWN, *SMALL, "seed=0,1,2,3")
    assert code == 130
    assert out[2:] == ["stopped after 2 of 4 runs: the same command goes on from there"]
    (path,) = [run.path for run in find_runs(["results"]) if run.seed == 1]
    assert err == [
        f"failed: seed=1: ArithmeticError: an own part (see {path / 'traceback.txt'})",
        "vgp-bench: interrupted",
    ]
    assert states() == {0: "completed", 1: "failed", 2: "interrupted"}


STUDY = """\
# @package _global_
hydra:
  mode: MULTIRUN
  sweeper:
    params:
      seed: 1,2
      activation: relu,tanh
"""


def test_a_study_with_its_own_grid_runs_every_cell(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine/experiment").mkdir()
    Path("mine/experiment/study.yaml").write_text(STUDY)
    assert main(["run", "--config-dir", "mine", "experiment=study", *SMALL, "trainer.max_steps=1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    labels = [f"seed={seed} activation={activation}" for seed in (1, 2) for activation in ("relu", "tanh")]
    for label, line in zip(labels, lines, strict=False):
        assert tells(line, line[:5], "done", label)
    assert lines[4].startswith("4 runs: 4 completed")
    runs = find_runs(["results"])
    assert sorted(f"seed={run.seed} activation={run.choices['activation']}" for run in runs) == sorted(labels)
