"""What stops a sweep and what does not: a full disk, a refusal, Ctrl-C, failures, divergences."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.small_runs import OWN, SMALL, folder_with_own_parts  # noqa: F401  a fixture of every test here too
from tests.swept_runs import TINY, Swept, labels, sweeping
from vgp_bench.cli import main
from vgp_bench.errors import DiskFull
from vgp_bench.records import store as store_module


@pytest.fixture
def swept(capsys: pytest.CaptureFixture[str]) -> Swept:
    return sweeping(capsys)


def no_room(path: Path, *of: Any) -> None:
    raise DiskFull(f"disk full: cannot write {path}; free some space")


def test_a_full_disk_stops_the_sweep_at_the_first_run(swept: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "check_writable", no_room)
    code, out, err = swept("seed=0,1,2")
    assert code == 1
    assert out[-1].startswith("3 runs: 1 failed, 2 not started. ")
    assert err[0].startswith("failed: seed=0: disk full: cannot write results/default/")
    assert err[1:] == ["not started: 2; the same command goes on with them once there is room"]


def test_where_runs_lie_on_two_disks_the_others_go_on(swept: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = store_module.check_writable
    monkeypatch.setattr(
        store_module, "check_writable", lambda path: (no_room if "full" in str(path) else genuine)(path)
    )
    words = [word for word in TINY if not word.startswith("results_dir")]
    code, out, err = swept(*words, "results_dir=full,results", "seed=0,1")
    assert (code, len(err)) == (1, 2)
    assert out[-1].startswith("4 runs: 2 failed, 2 completed. ")


def test_a_full_disk_before_a_single_run_says_that_the_same_command_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "check_writable", no_room)
    assert main(["run", *TINY]) == 1
    err = capsys.readouterr().err
    assert err.startswith("vgp-bench: the run failed: disk full: cannot write results/default/")
    assert err.endswith("; free some space; then the same command goes on\n")


def test_a_full_disk_at_the_file_of_the_sweep_is_no_mistake_of_the_call(
    swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vgp_bench.sweep.write_sweep", no_room)
    code, out, err = swept("seed=0,1")
    assert (code, out, err) == (1, [], ["vgp-bench: disk full: cannot write results/default; free some space"])


def test_a_sweep_that_is_refused_leaves_nothing(swept: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    for more in ([], ["--detach"]):
        code, out, err = swept("seed=0,1", "launcher=slurm", *more)
        assert (code, out, len(err)) == (2, [], 1)
        assert err[0].startswith("vgp-bench: launcher=slurm: no sbatch here; ")
        assert not Path("results").exists()
    swept("seed=0")
    there = sorted(Path().rglob("*"))
    swept("seed=0,1", "launcher=slurm")
    assert sorted(Path().rglob("*")) == there


def test_ctrl_c_before_the_first_step_is_told_so(swept: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*of: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("vgp_bench.run.perform", stop)
    code, out, _ = swept("seed=0,1")
    assert (code, out) == (130, ["stopped before the first step: the same command begins anew"])


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
    assert out[2].startswith("2 runs: 1 diverged, 1 completed. ")
    assert out[-1].startswith("diverged: optimizer.lr=1e+30: ")

    code, out, err = swept("optimizer.lr=1e30,0.1")
    assert (code, err) == (0, [])
    assert out[0] == "2 of 2 runs finished earlier and not run again"
    assert out[1] == "of these 1 diverged (retry=all runs such again)"
    assert "2 runs: 1 diverged earlier and not run again, 1 finished earlier and not run again. " in out[2]
    assert re.match(r"diverged earlier: optimizer.lr=1e\+30: .*(nan|inf)", out[-1])
    _, out, _ = swept("optimizer.lr=1e30,0.1", "--dry-run")
    assert [row.split("  ")[1].strip() for row in out[:2]] == ["finished (diverged)", "finished"]
    _, out, _ = swept("optimizer.lr=1e30,0.1", "--dry-run", "retry=all")
    assert out[0].split("  ")[1] == "retry (diverged)"
    _, out, _ = swept("optimizer.lr=1e30,0.1", "retry=all")
    assert out[1] == "1 diverged earlier, run again (retry=all)"


def test_equal_reasons_are_told_once_and_every_failure_is_named(swept: Swept) -> None:
    words = ["activation=gelu", "activation.approximate=nonsense", "seed=range(0,22)"]
    code, _, err = swept(*words)
    assert code == 1
    assert err[0] == "failed, 22 runs: RuntimeError: approximate argument must be either none or tanh."
    assert [line.split()[0] for line in err[1:]] == [f"seed={seed}" for seed in range(22)]
