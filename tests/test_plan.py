"""What a sweep finds of its runs and does with them: skip, resume, retry, leave; equal ones once."""

import json
import re
import shutil
import socket
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.test_run import OWN, SMALL, folder_with_own_parts  # noqa: F401  a fixture of every test here too
from vgp_bench.cli import main
from vgp_bench.compare import compare
from vgp_bench.composition import compose
from vgp_bench.plan import look, make_plan
from vgp_bench.records.files import write_atomically
from vgp_bench.records.reading import find_runs, read_status

TINY = [*(word for word in SMALL if "monitor" not in word), "monitor=off", "device=cpu", "trainer.max_steps=2"]
Lines = tuple[int, list[str], list[str]]
Swept = Callable[..., Lines]
GONE = 2**22 + 1
"""No process has this number: above the largest that Linux gives by default."""


@pytest.fixture
def swept(capsys: pytest.CaptureFixture[str]) -> Swept:
    def sweep(*words: str) -> Lines:
        code = main(["run", "-m", *words, *TINY])
        printed = capsys.readouterr()
        return code, printed.out.splitlines(), printed.err.splitlines()

    return sweep


def path_of(seed: int) -> Path:
    (found,) = [run.path for run in find_runs(["results"]) if run.seed == seed]
    return found


def pretend(path: Path, state: str, **fields: object) -> None:
    """Writes another state into a run's folder."""
    status = json.loads((path / "status.json").read_text())
    write_atomically(path / "status.json", json.dumps(status | {"state": state, **fields}).encode())


def labels(lines: list[str]) -> list[str]:
    """What ran, by the lines that tell of it."""
    return [line.rpartition("  ")[2] for line in lines if re.match(r"\[ *\d+/\d+\] done", line)]


def test_finished_runs_are_skipped_and_counted_once(swept: Swept) -> None:
    swept("seed=0,1,2")
    code, out, err = swept("seed=0,1,2,3")
    assert (code, err) == (0, [])
    assert out[0] == "3 of 4 runs finished earlier and not run again"
    assert labels(out) == ["seed=3"]
    assert len(out) == 3
    assert out[-1] == (
        "4 runs: 3 finished earlier and not run again, 1 completed. Table: vgp-bench compare results/default"
    )
    code, out, _ = swept("seed=0,1,2,3")
    assert (code, len(out)) == (0, 2)


def test_equal_runs_of_one_sweep_run_once_and_are_counted(swept: Swept) -> None:
    code, out, _ = swept("optimizer.lr=0.1,0.10,1e-1", "seed=0,1")
    assert code == 0
    assert out[0] == "4 runs the same as another one of this sweep, run once"
    assert len(labels(out)) == 2
    assert out[-1].startswith("6 runs: 2 completed, 4 the same as another one. Table: ")
    assert len(find_runs(["results"])) == 2


# What becomes of a run in each state on disk, in each mode; from the contract of `retry`.
@pytest.mark.parametrize(
    ("state", "never", "failed", "every"),
    [
        ("completed", "finished", "finished", "finished"),
        ("diverged", "finished", "finished", "retry"),
        ("failed", "left", "retry", "retry"),
        ("interrupted", "left", "resume", "resume"),
        ("running", "left", "resume", "resume"),  # its process is gone: lost or interrupted, as observed
    ],
)
def test_what_is_done_with_each_state(state: str, never: str, failed: str, every: str, swept: Swept) -> None:
    swept("seed=0")
    pretend(path_of(0), state, host=socket.gethostname(), pid=GONE)
    found = [look(path_of(0), retry)[0] for retry in ("never", "failed", "all")]
    assert found == [never, failed, every]


def test_a_run_without_folder_or_with_a_damaged_status_is_new(swept: Swept) -> None:
    assert look(Path("results/none"), "never") == ("new", None)
    swept("seed=0")
    path = path_of(0)
    shutil.copytree(path, "copy")
    Path("copy/status.json").write_text("{")
    assert look(Path("copy"), "never") == ("new", None)
    shutil.copy(path / "status.json", "copy/status.json")
    assert look(Path("copy"), "never")[0] == "finished"
    Path("copy/summary.json").unlink()
    assert look(Path("copy"), "never")[0] == "new"  # killed between two files, or somebody's deletion


def test_never_leaves_failures_as_they_are_and_names_them(swept: Swept) -> None:
    swept("seed=0,1,2")
    pretend(path_of(1), "failed", reason="ArithmeticError: once")
    shutil.rmtree(path_of(2))
    before = read_status(path_of(1))
    code, out, err = swept("seed=0,1,2", "retry=never")
    assert code == 1
    assert out[:2] == [
        "1 of 3 runs finished earlier and not run again",
        "1 did not complete and left so (retry=never)",
    ]
    assert labels(out) == ["seed=2"]
    assert err == [f"failed: seed=1: ArithmeticError: once (left so: retry=never) (see {path_of(1)})"]
    assert asdict(read_status(path_of(1))) == asdict(before)

    code, out, err = swept("seed=0,1,2")
    assert (code, err) == (0, [])
    assert out[1] == "1 failed earlier, run again"
    assert labels(out) == ["seed=1"]


def test_a_broken_off_run_is_taken_up_and_said(swept: Swept) -> None:
    swept("seed=0,1")
    pretend(path_of(0), "interrupted", reason="stopped from the keyboard")
    code, out, _ = swept("seed=0,1")
    assert code == 0
    assert out[:2] == ["1 of 2 runs finished earlier and not run again", "1 broken off earlier, resumed"]
    assert labels(out) == ["seed=0"]


def test_a_single_run_that_failed_and_is_left_says_so(swept: Swept, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *TINY]) == 0
    pretend(path_of(0), "failed", reason="ArithmeticError: once")
    capsys.readouterr()
    assert main(["run", *TINY, "retry=never"]) == 1
    words = "ArithmeticError: once (left so: retry=never)"
    assert capsys.readouterr().err == f"vgp-bench: the run failed: {words} (see {path_of(0)})\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["retry=sometimes"], "retry=sometimes: use never, failed or all"),
        (["retry=never,all"], "retry: one for the whole sweep; give it a single value"),
        (["fail_fast=true,false"], "fail_fast: one for the whole sweep; give it a single value"),
        (["fail_fast=maybe"], "fail_fast=maybe: expected true or false"),
        (["--detach"], "--detach: launcher=inline cannot detach; use launcher=local or slurm"),
        (
            ["--detach", "--dry-run"],
            "--dry-run runs nothing, so there is nothing to detach; leave one of them out",
        ),
    ],
)
def test_mistakes_are_told_before_anything_runs(words: list[str], message: str, swept: Swept) -> None:
    assert swept("seed=0,1", *words) == (2, [], [f"vgp-bench: {message}"])
    assert not Path("results").exists()


def test_keys_of_the_sweep_do_not_change_a_runs_name() -> None:
    def ids(*words: str) -> list[str]:
        return [run.id for run in make_plan(compose([*TINY, *words])).runs]

    assert ids() == ids("retry=all", "fail_fast=true")
    assert ids() != ids("seed=1")


def test_fail_fast_stops_at_the_first_failure_and_says_what_did_not_start(swept: Swept) -> None:
    Path("HOLD").write_text("")  # something happens in step 5, the second of the third run
    code, out, err = swept(*OWN, "seed=0,1,2,3,4", "fail_fast=true")
    assert code == 1
    assert [line[6:14].strip() for line in out[:-1]] == ["done", "done", "FAILED"]
    assert out[-1].startswith("5 runs: 2 completed, 1 failed, 2 not started. Table: ")
    assert err[0].startswith("failed: seed=2: ArithmeticError: an own part (see results/default/")
    assert err[0].endswith("/traceback.txt)")
    assert err[1:] == ["not started: 2; the same command goes on with them"]
    Path("HOLD").unlink()
    code, out, err = swept(*OWN, "seed=0,1,2,3,4", "fail_fast=true")
    assert (code, err, labels(out)) == (0, [], ["seed=2", "seed=3", "seed=4"])


def test_a_divergence_is_no_failure_to_stop_at(swept: Swept) -> None:
    code, out, err = swept("optimizer.lr=1e30,0.1", "fail_fast=true")
    assert (code, err) == (0, [])
    assert out[-1].startswith("2 runs: 1 diverged, 1 completed. ")


def test_equal_reasons_are_told_once_and_of_many_failures_only_twenty(swept: Swept) -> None:
    words = ["activation=gelu", "activation.approximate=nonsense", "seed=range(0,22)"]
    code, _, err = swept(*words)
    assert code == 1
    assert err[0] == "failed, 20 runs: RuntimeError: approximate argument must be either none or tanh."
    assert [line.split()[0] for line in err[1:21]] == [f"seed={seed}" for seed in range(20)]
    assert err[21:] == ["and 2 more that did not complete: vgp-bench status results/default"]


def test_a_dry_run_shows_what_is_there_and_writes_nothing(swept: Swept) -> None:
    swept("seed=0,1,2")
    pretend(path_of(1), "failed")
    pretend(path_of(2), "interrupted")
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    code, out, err = swept("seed=0,1,2,3,3", "--dry-run")
    assert (code, err) == (0, [])
    rows = [re.split(r"  +", line) for line in out[:5]]
    assert [row[1:] for row in rows] == [
        ["finished", "seed=0"],
        ["retry (failed)", "seed=1"],
        ["resume", "seed=2"],
        ["new", "seed=3"],
        ["the same", "seed=3"],
    ]
    assert [row[0] for row in rows[:3]] == [path_of(seed).name for seed in range(3)]
    assert rows[4][0] == rows[3][0]
    assert out[5] == "4 runs: 3 to run, 1 not; 1 more the same as another one"
    assert re.fullmatch(
        r"Estimated time, one after the other on this machine: \d+ (s|min) \(from a few steps of one run\)", out[6]
    )
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before


def test_the_estimate_grows_with_the_steps(swept: Swept) -> None:
    from vgp_bench.rehearsal import seconds_of_run

    def estimate(epochs: int) -> float:
        words = [word for word in TINY if not word.startswith("trainer.max")]
        return seconds_of_run(compose([*words, f"trainer.max_epochs={epochs}"])[0].config)

    estimate(1)  # imports
    # 4 steps an epoch; ten thousand epochs take a thousand times as long as ten, give or take a slow machine.
    assert estimate(10_000) > 50 * estimate(10)


def test_a_dry_run_says_which_run_would_be_refused(swept: Swept) -> None:
    code, out, _ = swept("initializer=delta_orthogonal", "seed=0,1", "--dry-run")
    assert code == 0
    assert out[-1].startswith(
        "No estimate: seed=0 would be refused: initializer=delta_orthogonal: the architecture has"
    )


def test_a_sweep_continued_under_another_commit_is_noted_by_compare(swept: Swept) -> None:
    swept("seed=0,1")
    file = path_of(0) / "environment.json"
    environment = json.loads(file.read_text())
    environment["code"] = {"commit": "0123456789abcdef", "dirty": True}
    write_atomically(file, json.dumps(environment).encode())
    swept("seed=0,1,2")
    notes = [note for note in compare(find_runs(["results"])).notes if note.startswith("mixed code: ")]
    assert len(notes) == 1
    assert "0123456789 with changes (1 runs)" in notes[0]
    assert "(2 runs)" in notes[0]


def test_planning_a_thousand_finished_runs_takes_no_time_of_a_person(swept: Swept) -> None:
    import time

    swept("seed=0")
    (first,) = compose(TINY)
    runs = [replace(first, config=first.config | {"seed": seed}) for seed in range(1000)]
    model = path_of(0)
    for run in make_plan(runs).runs[1:]:
        run.path.mkdir()
        for name in ("status.json", "summary.json"):
            (run.path / name).write_bytes((model / name).read_bytes())
    started = time.process_time()
    plan = make_plan(runs)
    assert time.process_time() - started < 5  # 1.5 s here; a status alone must be read in under a millisecond
    assert {run.found for run in plan.runs} == {"finished"}
