"""What a sweep finds of its runs and does with them: skip, resume, retry, leave; equal ones once."""

import errno
import json
import os
import re
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from tests.own_parts import Incident
from tests.test_run import OWN, SMALL, folder_with_own_parts  # noqa: F401  a fixture of every test here too
from vgp_bench.cli import main
from vgp_bench.compare import compare
from vgp_bench.composition import compose
from vgp_bench.errors import ConfigError, DiskFull
from vgp_bench.launchers.ray import Ray
from vgp_bench.plan import look, make_plan
from vgp_bench.records import store as store_module
from vgp_bench.records.files import write_atomically
from vgp_bench.records.reading import find_runs, read_run, read_status
from vgp_bench.records.store import RunStore
from vgp_bench.rehearsal import rehearse
from vgp_bench.run_log import resumptions

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
    return [match[1] for line in lines if (match := re.match(r"\[ *\d+/\d+\] done +(\S+(?: \S+)*)  ", line))]


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


SMALL_FILES = ["status.json", "config.yaml", "choices.json", "environment.json", "summary.json"]


@pytest.mark.parametrize("name", [*SMALL_FILES, "steps.parquet"])
def test_a_record_that_cannot_be_read_is_none(name: str, swept: Swept) -> None:
    assert look(Path("results/none"), "never") == ("new", None)
    swept("seed=0")
    file = path_of(0) / name
    assert [look(path_of(0), retry)[0] for retry in ("never", "failed", "all")] == ["finished"] * 3
    path = file.parent
    for wrong in (b"{{", b"", None):
        file.unlink() if wrong is None else file.write_bytes(wrong)
        if wrong is None and name == "steps.parquet":
            continue  # a run without a monitor lacks other tables too
        gone = wrong is None and name == "status.json"
        expected = ["new"] * 3 if gone else ["left", "damaged", "damaged"]
        looks = [look(path, retry) for retry in ("never", "failed", "all")]
        assert [found for found, _ in looks] == expected
        assert gone or all(status and status.state == "damaged" and str(file) in status.reason for _, status in looks)


def test_a_fault_within_a_table_is_found_where_all_is_read(swept: Swept) -> None:
    swept("seed=0")
    file = path_of(0) / "steps.parquet"
    content = bytearray(file.read_bytes())
    content[4:40] = bytes(36)  # the first page, behind the name of the format
    file.write_bytes(bytes(content))
    assert [look(path_of(0), retry)[0] for retry in ("failed", "all")] == ["finished", "damaged"]


def test_a_disk_that_does_not_answer_says_nothing_against_a_run(swept: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    swept("seed=0")
    path, genuine = path_of(0), Path.read_text

    def read_text(self: Path, *of: Any, **more: Any) -> str:
        if self.name == "config.yaml":
            raise OSError(errno.EIO, "Input/output error")
        return genuine(self, *of, **more)

    monkeypatch.setattr(Path, "read_text", read_text)
    assert [look(path, retry)[0] for retry in ("failed", "all")] == ["finished", "finished"]


@pytest.mark.parametrize("name", [*SMALL_FILES, "steps.parquet"])
def test_a_damaged_run_is_named_and_run_again_and_what_it_had_is_kept(name: str, swept: Swept) -> None:
    swept("seed=0,1")
    path = path_of(0)
    before = {file.name: file.read_bytes() for file in path.iterdir()}
    (path / name).write_bytes(b"{{")
    code, out, _ = swept("seed=0,1", "--dry-run")
    assert (code, out[0].split("  ")[1:]) == (0, ["damaged, run again", "seed=0"])
    code, out, err = swept("seed=0,1")
    assert (code, labels(out)) == (0, ["seed=0"])
    assert out[:2] == ["1 of 2 runs finished earlier and not run again", "1 damaged, run again"]
    assert out[2].startswith("  damaged: ")
    assert str(path / name) in out[2]
    (line,) = err
    assert line.startswith(f"vgp-bench: {path}: damaged: ")
    assert line.endswith(f"; what it had is kept in {path / 'damaged'}; it begins anew")
    kept = {file.name: file.read_bytes() for file in (path / "damaged").iterdir()}
    assert kept == before | {name: b"{{"}
    assert compare(find_runs(["results"])).groups["n"].sum() == 2
    code, out, err = swept("seed=0,1")
    assert (code, out[0], err) == (0, "2 of 2 runs finished earlier and not run again", [])


@pytest.mark.parametrize("name", ["config.yaml", "choices.json", "environment.json"])
def test_a_damaged_file_of_a_run_that_goes_on_is_written_anew(name: str, swept: Swept) -> None:
    Path("HOLD").write_text("")
    command = [*OWN, "seed=0", "trainer.max_steps=8", "checkpoint_steps=1", "retry=failed"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.own_parts.Incident.step", interrupting(3))
        assert main(["run", *TINY, *command]) == 130
    Path("HOLD").unlink()
    path = path_of(0)
    assert read_status(path).state == "interrupted"
    (path / name).write_text("{{")
    assert main(["run", *TINY, *command]) == 0
    assert read_run(path).state == "completed"
    assert resumptions(path) == [3]


def interrupting(at: int) -> Callable[..., Any]:
    """A step of the own optimizer that Ctrl-C meets as the step number `at` is done."""
    genuine, steps = Incident.step, 0

    def step(self: Incident, *of: Any) -> Any:
        nonlocal steps
        steps += 1
        if steps == at:
            signal.raise_signal(signal.SIGINT)
        return genuine(self, *of)

    return step


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


def device_and_id(*words: str) -> tuple[str, str]:
    (run,) = make_plan(compose([*(word for word in TINY if word != "device=cpu"), *words])).runs
    return run.composed.config["device"], run.id


@pytest.mark.parametrize("here", ["cpu", "cuda"])
def test_a_cluster_has_the_devices_that_it_was_asked_for_not_those_of_this_machine(
    here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: here == "cuda")
    of = {device: device_and_id("launcher=slurm", f"device={device}") for device in ("cpu", "cuda")}
    assert {device: found for device, (found, _) in of.items()} == {"cpu": "cpu", "cuda": "cuda"}
    assert of["cpu"] != of["cuda"]
    assert device_and_id("launcher=slurm", "device=auto") == of["cpu"]
    assert device_and_id("launcher=slurm", "launcher.gpus=1", "device=auto") == of["cuda"]
    assert device_and_id("device=auto") == device_and_id("launcher=local", "device=auto") == of[here]
    assert [Ray(gpus=gpus).device_of("auto") for gpus in (0.0, 0.5)] == ["cpu", "cuda"]
    assert Ray().device_of("cuda:1") == "cuda:1"


@pytest.mark.parametrize("launcher", ["inline", "local"])
def test_a_device_that_this_machine_has_not_is_refused_where_runs_run_here(
    launcher: str, swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    runs = compose([*(word for word in TINY if word != "device=cpu"), f"launcher={launcher}", "device=cuda"])
    with pytest.raises(ConfigError, match=r"^device=cuda: torch sees no CUDA device here; "):
        make_plan(runs)


def test_for_a_device_that_is_elsewhere_there_is_no_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    text = rehearse(compose([*(w for w in TINY if w != "device=cpu"), "launcher=slurm", "device=cuda", "seed=1"]))
    assert text.endswith("\nNo estimate: the runs are for device=cuda, which this machine has not")


def test_for_processes_side_by_side_the_estimate_says_how_many_and_what_is_not_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vgp_bench.rehearsal.seconds_of_run", lambda config: 10.0 if config["seed"] < 9 else 25.0)

    def estimate(*words: str) -> str:
        return rehearse(compose([*TINY, "-m", *words])).splitlines()[-1]

    not_in = "not included: a few seconds to start the process of each"
    assert estimate("seed=0,1,2,3", "launcher=local", "jobs=2") == (
        f"Estimated time, 2 at once on this machine: 20 s (from a few steps of one run; {not_in})"
    )
    assert estimate("seed=0,1", "launcher=local", "jobs=8").startswith(
        "Estimated time, 2 at once on this machine: 10 s"
    )
    assert estimate("seed=0,1,2,3").startswith("Estimated time, one after the other on this machine: 40 s (from a few")
    assert estimate("seed=0,1,2,3", "launcher=slurm", "jobs=4") == (
        "Estimated time, 4 at once each as fast as here: 10 s (from a few steps of one run; "
        f"{not_in} and waiting for a place)"
    )
    # No sooner than the longest: three kinds of run, the last of 25 s
    words = ["architecture.depth=2,3", "launcher=local", "jobs=3", "seed=0"]
    monkeypatch.setattr(
        "vgp_bench.rehearsal.seconds_of_run", lambda config: 25.0 if config["architecture"]["depth"] == 3 else 1.0
    )
    assert estimate(*words).startswith("Estimated time, 2 at once on this machine: 25 s")


def test_what_another_process_runs_is_told_once_and_is_no_failure(swept: Swept) -> None:
    swept("seed=0,1,2")
    stores = [RunStore(path_of(seed)) for seed in (0, 1)]
    for store in stores:
        (store.path / "status.json").unlink()
        store.claim()
        store.begin({"seed": 0}, {}, {})
    try:
        code, out, err = swept("seed=0,1,2,3")
    finally:
        for store in stores:
            store.release()
    assert (code, err) == (0, [])
    assert labels(out) == ["seed=3"]
    counts = "1 finished earlier and not run again, 1 completed, 2 in the hands of another process"
    assert out[-2] == f"4 runs: {counts}. Table: vgp-bench compare results/default"
    who = f"process {os.getpid()} on {socket.gethostname()}"
    assert out[-1] == f"2 runs are being run by {who}: vgp-bench status results/default"
    assert not any("REFUSED" in line for line in out)


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


@pytest.mark.parametrize(
    ("words", "runs"), [(["-m", "seed=0,1"], "2 runs"), ([], "1 run"), (["-m", "seed=0,1", "--dry-run"], "2 runs")]
)
def test_a_sign_of_life_comes_before_torch(
    words: list[str], runs: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []

    def plan(*of: Any) -> Any:
        said.append(capsys.readouterr().err)
        raise ConfigError("enough")

    monkeypatch.delitem(sys.modules, "torch")
    for place in ("sweep", "rehearsal"):
        monkeypatch.setattr(f"vgp_bench.{place}.make_plan", plan)
    assert main(["run", *words, *TINY]) == 2
    assert said == [f"{runs}, loading torch ...\n"]
    capsys.readouterr()
    assert main(["run", *words, *TINY, "progress=false"]) == 2
    assert said[1] == ("" if "--dry-run" not in words else said[0])


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
    assert "0123456789 with changes (1 run)" in notes[0]
    assert "(2 runs)" in notes[0]


def test_planning_a_thousand_finished_runs_takes_no_time_of_a_person(swept: Swept) -> None:
    import time

    swept("seed=0")
    (first,) = compose(TINY)
    runs = [replace(first, config=first.config | {"seed": seed}) for seed in range(1000)]
    model = path_of(0)
    for run in make_plan(runs).runs[1:]:
        run.path.mkdir()
        for file in model.iterdir():
            (run.path / file.name).write_bytes(file.read_bytes())
    started = time.process_time()
    plan = make_plan(runs)
    assert time.process_time() - started < 5  # 1.5 s here; a status alone must be read in under a millisecond
    assert {run.found for run in plan.runs} == {"finished"}
