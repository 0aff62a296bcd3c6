"""What a sweep finds of its runs and does with them: skip, resume, retry, leave; equal ones once."""

import json
import os
import shutil
import socket
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from tests.small_runs import OWN, SMALL, folder_with_own_parts  # noqa: F401  a fixture of every test here too
from tests.swept_runs import GONE, TINY, Swept, labels, path_of, pretend, sweeping
from vgp_bench.cli import main
from vgp_bench.compare import compare
from vgp_bench.composition import compose
from vgp_bench.errors import ConfigError
from vgp_bench.launchers.ray import Ray
from vgp_bench.plan import look, make_plan
from vgp_bench.records.files import write_atomically
from vgp_bench.records.reading import find_runs, read_status
from vgp_bench.records.store import RunStore


@pytest.fixture
def swept(capsys: pytest.CaptureFixture[str]) -> Swept:
    return sweeping(capsys)


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
