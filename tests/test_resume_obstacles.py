"""What is in the way of a run that would go on: a silent disk, no memory, a damaged status; its state is kept."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch

from tests.resuming import MLP, fingerprint, performed, the_run
from vgp_bench import run as run_module
from vgp_bench.records.reading import read_run
from vgp_bench.records.store import RunStore


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_failed_run_begins_anew() -> None:
    performed(*MLP, "checkpoint_steps=1", die_after=7)
    store = RunStore(the_run())
    store.claim()
    store.load_rows({"steps": 4})
    store._status = store.written_status()
    store.finish("failed", reason="no luck")
    assert not list(the_run().glob("checkpoint*"))
    performed(*MLP)
    assert "resumed" not in json.loads((the_run() / "environment.json").read_text())


def out_of_reach(file: Path) -> Path:
    """Lets every read of this file fail, as on a disk that does not answer; returns where it is meanwhile."""
    aside = Path("aside")
    file.rename(aside)
    file.symlink_to(file.name)  # to itself: ELOOP
    return aside


def left_as_it_is() -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in the_run().iterdir()}


@pytest.mark.parametrize("name", ["checkpoint_000006.bin", "steps.parquet", "status.json"])
def test_a_disk_that_does_not_answer_for_a_while_costs_nothing(name: str) -> None:
    performed(*MLP, results="twin")
    performed(*MLP, "checkpoint_steps=1", die_after=7)
    run, before = the_run(), left_as_it_is()
    assert name in before
    aside = out_of_reach(run / name)
    outcome = performed(*MLP)
    aside.rename(run / name)
    assert outcome
    assert outcome.state == "refused"
    assert outcome.reason.startswith(f"{run}: it cannot be read (OSError: ")
    assert name in outcome.reason
    assert outcome.reason.endswith(
        "; nothing is changed: run the same command again, or remove that file if it stays so"
    )
    assert left_as_it_is() == before
    performed(*MLP)
    assert read_run(the_run()).environment["resumed"][0]["step"] == 6
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))


NO_GPU_MEMORY = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
NO_CPU_MEMORY = RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
BUSY = torch.AcceleratorError("CUDA error: the device is busy or unavailable")


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("the state", NO_GPU_MEMORY),
        ("the state", NO_CPU_MEMORY),
        ("the state", BUSY),
        ("the rows", MemoryError()),
        ("the network anew", NO_GPU_MEMORY),
        ("the network anew", BUSY),
    ],
)
def test_what_is_lacking_for_a_while_costs_nothing(
    where: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    performed(*MLP, results="twin")
    performed(*MLP, "checkpoint_steps=1", die_after=7)
    before, times = left_as_it_is(), 0
    genuine = run_module.build

    def lacking(*of: Any, **more: Any) -> Any:
        raise error

    def once(*of: Any) -> Any:
        nonlocal times
        times += 1
        return genuine(*of) if times == 1 else lacking()

    with monkeypatch.context() as patch:
        if where == "the rows":
            patch.setattr(pq, "read_table", lacking)
        elif where == "the state":
            patch.setattr(torch, "load", lacking)
        else:  # what is read is of no use, and then there is no room for another network
            patch.setattr(torch, "load", lambda *of, **more: {"kinds": []})
            patch.setattr(run_module, "build", once)
        outcome = performed(*MLP)
    words = "it could not be taken up" if error is BUSY else "there is no memory to take it up"
    assert outcome
    assert (outcome.state, outcome.reason.partition(" (")[0]) == ("refused", f"{the_run()}: {words}")
    assert "; nothing is changed: " in outcome.reason
    assert left_as_it_is() == before
    performed(*MLP)
    assert read_run(the_run()).environment["resumed"][0]["step"] == 6
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))


@pytest.mark.parametrize("error", [RuntimeError("an own part\nthat is not mended yet"), SystemExit(0)], ids=repr)
def test_a_network_that_cannot_be_built_now_costs_no_checkpoint(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    performed(*MLP, results="twin")
    performed(*MLP, "checkpoint_steps=1", die_after=7)

    def fail(*of: Any) -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(run_module, "build", fail)
        outcome = performed(*MLP)
    run = read_run(the_run())
    assert outcome
    assert (outcome.state, outcome.path, outcome.reason) == ("failed", the_run(), run.reason)
    assert run.reason == f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    assert run.state == "interrupted", "it can go on"
    assert "in fail" in (the_run() / "traceback.txt").read_text()
    performed(*MLP)
    assert read_run(the_run()).environment["resumed"][0]["step"] == 6
    assert not (the_run() / "traceback.txt").exists()
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))


@pytest.mark.parametrize("text", ["", "{}"])
def test_a_damaged_status_spoils_no_checkpoint(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    performed(*MLP, results="twin")
    performed(*MLP, "checkpoint_steps=1", die_after=7)
    status = the_run() / "status.json"
    status.write_text(text)
    performed(*MLP)
    err = capsys.readouterr().err
    assert err.startswith(f"vgp-bench: {the_run()}: damaged: ")
    assert str(status) in err
    assert err.endswith("; it goes on from step 6\n")
    (entry,) = read_run(the_run()).environment["resumed"]
    assert entry["step"] == 6
    assert len(entry["problems"]) == 1
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))


def test_a_damaged_status_without_a_checkpoint_is_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    performed(*MLP)
    run = the_run()
    (run / "status.json").write_text("{")
    performed(*MLP)
    err = capsys.readouterr().err
    assert f"{run}/status.json: it cannot be parsed; " in err
    assert err.endswith("; it begins anew\n")
    assert read_run(run).state == "completed"
