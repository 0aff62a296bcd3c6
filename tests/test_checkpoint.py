"""Checkpoints that were damaged, on a disk that refuses, at a signal: what was kept is used, what was lost is told."""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.composing import compose
from tests.resuming import MLP, fingerprint, performed, the_run
from vgp_bench import run as run_module
from vgp_bench.data.batches import Batches
from vgp_bench.errors import ResultsError, Stopped
from vgp_bench.records.checkpoints import Checkpoints, Damaged, Position
from vgp_bench.records.files import write_atomically
from vgp_bench.records.reading import read_run
from vgp_bench.training.checkpoint import restore

ROOT = Path(__file__).parents[1]
EACH_STEP = [*MLP, "checkpoint_steps=1"]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def flipped(place: float) -> Callable[[bytes], bytes]:
    def flip(content: bytes) -> bytes:
        at = int(place * (len(content) - 1))
        return content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :]

    return flip


DAMAGES = {
    "empty": lambda content: b"",
    "cut in its head": lambda content: content[:70],
    "cut in the middle": lambda content: content[: len(content) // 2],
    "cut at the end": lambda content: content[:-1],
    "longer": lambda content: content + b"\0",
    "a bit of the checksum": flipped(0.0),
    "a bit of the position": lambda content: content.replace(b'"step": 6', b'"step": 7'),
    "a bit of the state": flipped(0.5),
    "the last bit": flipped(1.0),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_one_is_told_of_and_the_one_before_is_used(
    damage: Callable[[bytes], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    performed(*MLP, results="twin")
    performed(*EACH_STEP, die_after=7)
    older, newest = sorted(the_run().glob("checkpoint_*.bin"))
    content = newest.read_bytes()
    newest.write_bytes(damage(content))
    assert newest.read_bytes() != content
    outcome = performed(*MLP)
    assert outcome
    assert outcome.state == "completed"
    problem = f"{newest.name} is damaged (its checksum is wrong)"
    line = f"vgp-bench: {the_run()}: {problem}; it goes on from step 5\n"
    assert capsys.readouterr().err == line
    (entry,) = read_run(the_run()).environment["resumed"]
    assert (entry["step"], entry["problems"]) == (5, [problem])
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))
    assert not older.exists()


def test_with_no_good_one_it_begins_anew_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    performed(*MLP, results="twin")
    performed(*EACH_STEP, die_after=7)
    for file in the_run().glob("checkpoint_*.bin"):
        file.write_bytes(file.read_bytes()[:-1])
    performed(*MLP)
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.count("is damaged (its checksum is wrong)") == 2
    assert err.endswith("; it begins anew\n")
    (entry,) = read_run(the_run()).environment["resumed"]
    assert entry["step"] == 0
    assert len(entry["problems"]) == 2
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))


@pytest.mark.parametrize("what", ["missing", "short", "broken"])
def test_a_checkpoint_whose_rows_are_gone_is_of_no_use(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    performed(*MLP, results="twin")
    performed(*EACH_STEP, die_after=2)
    early = (the_run() / "steps.parquet").read_bytes()
    performed(*EACH_STEP, die_after=8)
    table = the_run() / "steps.parquet"
    if what == "missing":
        table.unlink()
    else:
        table.write_bytes(early if what == "short" else b"PAR1")
    performed(*MLP)
    assert "cannot be used: steps.parquet " in capsys.readouterr().err
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))


def test_a_state_that_does_not_fit_spoils_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    performed(*MLP, results="twin")
    performed(*EACH_STEP, "optimizer=adam", results="other", die_after=7)
    performed(*EACH_STEP, die_after=7)
    ((_, position, _), *_) = of(the_run())
    (*_, (_, _, foreign)) = of(the_run("other"))
    checkpoints = Checkpoints(the_run(), write_atomically)
    checkpoints.save(position, foreign)
    checkpoints.save(position, b"no state at all")
    performed(*MLP)
    err = capsys.readouterr().err
    assert err.count("its state does not fit this version of the run") == 2
    assert err.endswith("; it begins anew\n"), "only two are kept"
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))


def of(run: Path) -> list[Any]:
    return [found for found in Checkpoints(run, write_atomically).newest_first() if not isinstance(found, Damaged)]


def test_two_are_kept_and_the_highest_is_the_newest(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, write_atomically)
    for step in range(5):
        checkpoints.save(Position(step, {"steps": step}), bytes([step]))
    assert [position.step for _, position, _ in of(tmp_path)] == [4, 3]
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["checkpoint_000004.bin", "checkpoint_000005.bin"]
    again = Checkpoints(tmp_path, write_atomically)
    again.remove_after(tmp_path / "checkpoint_000004.bin")
    again.save(Position(9, {}), b"")
    assert [position.step for _, position, _ in of(tmp_path)] == [9, 3]
    again.clear()
    assert not list(tmp_path.iterdir())


def test_one_of_another_format_is_not_taken_for_ours(tmp_path: Path) -> None:
    Checkpoints(tmp_path, write_atomically).save(Position(3, {}, format=99), b"")
    (problem,) = Checkpoints(tmp_path, write_atomically).newest_first()
    assert str(problem) == "checkpoint_000001.bin was made by another version (format 99, not 1)"


def test_no_code_is_read_from_a_checkpoint() -> None:
    import pickle

    class Bomb:
        def __reduce__(self) -> Any:
            return os.mkdir, ("gone off",)

    performed(*EACH_STEP, die_after=7)
    ((_, position, _), *_) = of(the_run())
    Checkpoints(the_run(), write_atomically).save(position, pickle.dumps(Bomb()))
    assert performed(*MLP)
    assert not Path("gone off").exists()
    assert restore.__doc__


def at_step(number: int, *signals: signal.Signals) -> Any:
    """Announce to perform(): these signals come once so many steps are told of."""

    def announce(total: int) -> Any:
        done = 0

        def count(steps: int, loss: float) -> None:
            nonlocal done
            done += steps
            if done == number:
                for sent in signals:
                    signal.raise_signal(sent)

        return count

    return announce


def stopped(announce: Any = None) -> Stopped:
    with pytest.raises(Stopped) as caught:
        run_module.perform(compose(*EACH_STEP), ["vgp-bench"], announce or (lambda total: lambda steps, loss: None))
    return caught.value


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR2])
@pytest.mark.parametrize("step", [1, 6, 8, 12])
def test_a_signal_lets_the_step_end_and_the_run_goes_on_from_there(number: signal.Signals, step: int) -> None:
    performed(*MLP, results="twin")
    before = signal.getsignal(number)
    assert stopped(at_step(step, number)).number == number
    assert signal.getsignal(number) == before
    run = read_run(the_run())
    words = "stopped from the keyboard" if number == signal.SIGINT else f"stopped by {number.name}"
    assert (run.state, run.reason) == ("interrupted", words)
    assert run.rows("steps")["step"].tolist() == list(range(step))
    assert not list(the_run().glob("owner_*"))
    performed(*MLP)
    assert read_run(the_run()).environment["resumed"][0]["step"] == step
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))


@pytest.mark.parametrize(("split", "steps"), [("validation", 4), ("test", 12)])
def test_a_signal_while_it_evaluates(split: str, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine, wanted = Batches.evaluation, [0]

    def evaluation(self: Batches, asked: Any, batch_size: int = 1024) -> Iterator[Any]:
        for batch in genuine(self, asked, batch_size // 64):
            if asked == split and wanted[0]:
                wanted[0] -= 1
                if not wanted[0]:
                    signal.raise_signal(signal.SIGTERM)
            yield batch

    forward = torch.nn.ReLU.forward

    def noisy(self: torch.nn.ReLU, z: torch.Tensor) -> torch.Tensor:
        return forward(self, z) + 0.1 * torch.rand(())  # draws while it evaluates too

    monkeypatch.setattr(torch.nn.ReLU, "forward", noisy)
    monkeypatch.setattr(Batches, "evaluation", evaluation)
    performed(*MLP, results="first")  # the activation's gain is found once a process, and that draws here too
    performed(*MLP, results="twin")
    wanted[0] = 2  # one batch is done then
    stopped()
    assert len(read_run(the_run()).rows("steps")) == steps
    performed(*MLP)
    assert read_run(the_run()).environment["resumed"][0]["step"] == steps
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))


def test_a_signal_at_the_last_step_of_a_pass_that_is_cut_short() -> None:
    cut = [*EACH_STEP, "trainer.max_steps=10"]
    performed(*cut, results="twin")
    with pytest.raises(Stopped):
        run_module.perform(compose(*cut), [], at_step(10, signal.SIGTERM))
    performed(*cut)
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))


def test_a_signal_while_it_is_built_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(*of: Any) -> Any:
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError("the signal waits for nothing here")

    monkeypatch.setattr(run_module, "build", build)
    assert stopped().number == signal.SIGTERM
    assert not Path("results").exists()


def test_a_second_one_from_the_keyboard_breaks_off_at_once() -> None:
    performed(*MLP, results="twin")
    with pytest.raises(KeyboardInterrupt) as caught:
        run_module.perform(compose(*EACH_STEP), [], at_step(6, signal.SIGINT, signal.SIGINT))
    assert not isinstance(caught.value, Stopped)
    assert read_run(the_run()).state == "interrupted"
    performed(*MLP)
    assert read_run(the_run()).environment["resumed"][0]["step"] == 5, "the checkpoint before"
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))


def test_a_signal_that_comes_too_late_stops_only_what_would_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = run_module.summary_of

    def late(*of: Any) -> Any:
        signal.raise_signal(signal.SIGTERM)
        return genuine(*of)

    monkeypatch.setattr(run_module, "summary_of", late)
    assert stopped().number == signal.SIGTERM
    assert read_run(the_run()).state == "completed"


def test_outside_of_the_main_thread_a_run_runs_too() -> None:
    outcomes: list[Any] = []
    thread = threading.Thread(target=lambda: outcomes.append(performed(*MLP)))
    thread.start()
    thread.join()
    assert outcomes[0].state == "completed"


def full_at(step: int, disk: Path) -> Any:
    def announce(total: int) -> Any:
        done = 0

        def count(steps: int, loss: float) -> None:
            nonlocal done
            done += steps
            if done == step:
                with (disk / "ballast").open("wb", buffering=0) as file:
                    try:
                        while True:
                            file.write(b"x" * 1024)
                    except OSError:
                        pass

        return count

    return announce


def test_a_disk_that_fills_up_costs_the_steps_since_the_last_checkpoint(small_disk: Path) -> None:
    performed(*MLP, results="elsewhere")
    outcome = run_module.perform(compose(*EACH_STEP), [], full_at(6, small_disk))
    assert outcome.state == "failed"
    assert outcome.reason.startswith("disk full: cannot write results/default/")
    assert outcome.path
    run = read_run(outcome.path)
    assert run.state in ("interrupted", "lost")
    assert len(run.rows("steps")) >= 5
    (small_disk / "ballast").unlink()
    again = performed(*MLP)
    assert again
    assert again.state == "completed"
    assert read_run(the_run()).environment["resumed"][0]["step"] == 5
    assert fingerprint(the_run()) == fingerprint(the_run("elsewhere"))


def test_a_limit_of_the_size_of_files(tmp_path: Path) -> None:
    performed(*MLP, results="elsewhere")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def announce(total: int) -> Any:
        def count(steps: int, loss: float) -> None:
            nonlocal done
            done += steps
            if done == 6:
                resource.setrlimit(resource.RLIMIT_FSIZE, (2048, hard))

        done = 0
        return count

    try:
        outcome = run_module.perform(compose(*EACH_STEP), [], announce)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert outcome.state == "failed"
    assert outcome.reason.startswith("file too large for this disk or process: cannot write results/")
    performed(*MLP)
    assert read_run(the_run()).environment["resumed"][0]["step"] == 5
    assert fingerprint(the_run()) == fingerprint(the_run("elsewhere"))


def test_a_folder_that_becomes_unwritable(monkeypatch: pytest.MonkeyPatch) -> None:
    # Real permissions say nothing to root; what a read-only disk answers is the same.
    performed(*MLP, results="elsewhere")
    genuine = os.replace

    def replace(source: Any, target: Any) -> None:
        if Path(target).name == "checkpoint_000006.bin":
            monkeypatch.setattr(os, "replace", refuse)
            refuse(source, target)
        genuine(source, target)

    def refuse(source: Any, target: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "replace", replace)
    outcome = performed(*EACH_STEP)
    assert outcome
    assert outcome.state == "failed"
    assert outcome.reason.startswith("read-only disk: cannot write results/default/")
    monkeypatch.setattr(os, "replace", genuine)
    assert read_run(the_run()).state == "lost", "the last state could not be written"
    performed(*MLP)
    assert fingerprint(the_run()) == fingerprint(the_run("elsewhere"))


def test_sigterm_to_a_real_process_ends_in_a_checkpoint() -> None:
    words = ["run", *MLP, "trainer.max_epochs=100000", "progress=false", "checkpoint_seconds=1000"]
    words.remove("trainer.max_epochs=3")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-m", "vgp_bench", *words], env=environment) as process:
        while not list(Path().rglob("status.json")):
            assert process.poll() is None
            threading.Event().wait(0.05)
        threading.Event().wait(0.5)
        process.terminate()
        process.wait(timeout=60)
    run = read_run(the_run())
    assert (run.state, run.reason) == ("interrupted", "stopped by SIGTERM")
    ((_, position, _), *_) = of(the_run())
    assert position.step == len(run.rows("steps")) > 0
    assert json.loads((the_run() / "status.json").read_text())["pid"] == process.pid


def test_errors_name_the_folder(tmp_path: Path) -> None:
    def refuse(path: Path, content: bytes) -> None:
        raise ResultsError(f"disk full: cannot write {path}")

    with pytest.raises(ResultsError, match=r"checkpoint_000001\.bin"):
        Checkpoints(tmp_path, refuse).save(Position(0, {}), b"")
