"""One run from config to record, whatever happens on the way."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import yaml

from tests import own_parts
from tests.composing import compose, small_build
from tests.data_fixtures import random_images, write_image
from vgp_bench.cli import main
from vgp_bench.data.batches import Batches
from vgp_bench.records.reading import read_run
from vgp_bench.run import Outcome, perform
from vgp_bench.training.evaluation import evaluate

ROOT = Path(__file__).parents[1]
EPOCHS, STEPS_PER_EPOCH = 3, 4
SMALL = [
    "architecture.depth=2",
    "architecture.width=8",
    "dataset.train_size=64",
    "dataset.validation_size=32",
    "dataset.test_size=32",
    "trainer.batch_size=16",
    f"trainer.max_epochs={EPOCHS}",
    "monitor.probe_images=16",
]
OWN = ["--config-dir", "mine", "optimizer=incident"]
TIMES = ["images_per_second", "seconds"]


@pytest.fixture(autouse=True)
def folder_with_own_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with a config folder `mine`, in which something happens at step 5, if HOLD exists."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine" / "optimizer").mkdir(parents=True)
    text = "_target_: tests.own_parts.Incident\nlr: 0.05\n"
    (tmp_path / "mine" / "optimizer" / "incident.yaml").write_text(text)
    monkeypatch.setenv("HOLD", str(tmp_path / "HOLD"))
    monkeypatch.setenv("INCIDENT_AT", "5")
    monkeypatch.setattr(own_parts, "steps_in_this_process", 0)


def performed(*words: str, results: str = "results") -> Outcome:
    return perform(
        compose(*SMALL, *words, results=results), ["vgp-bench", "run", "..."], lambda n: lambda s, loss: None
    )


def the_run() -> Path:
    (status,) = Path("results").rglob("status.json")
    return status.parent


def test_a_run_leaves_a_record_with_every_file() -> None:
    outcome = performed("seed=3")
    assert outcome.state == "completed"
    assert outcome.path == the_run()
    tables = "epochs.parquet histograms.parquet layers.parquet probes.parquet"
    files = f"choices.json config.yaml environment.json {tables} status.json steps.parquet summary.json"
    assert sorted(file.name for file in the_run().iterdir()) == files.split()
    run = read_run(the_run())
    assert (run.state, run.reason, run.seed) == ("completed", "", 3)
    assert run.choices["architecture"] == "mlp"
    assert run.config["architecture"]["width"] == 8
    assert run.config["device"] in ("cpu", "cuda"), "auto is resolved: it says nothing about the numbers"
    assert run.environment["command"] == ["vgp-bench", "run", "..."]
    assert len(run.rows("steps")) == EPOCHS * STEPS_PER_EPOCH
    assert len(run.rows("epochs")) == EPOCHS
    assert set(run.rows("layers")["name"]) == {"layer_1", "layer_2", "output"}
    assert run.summary is not None
    assert outcome.summary is not None
    assert run.summary.as_json() == outcome.summary.as_json()  # NaN, which equals nothing, is null there


def test_last_best_and_test_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = Batches.evaluation

    def spy(self: Batches, split: Any, batch_size: int = 1024) -> Iterator[Any]:
        read.append(split)
        return original(self, split, batch_size)

    monkeypatch.setattr(Batches, "evaluation", spy)
    # So high a rate that the last epoch is not the best.
    words = ["optimizer.lr=3", "seed=1", "trainer.max_epochs=6", "device=cpu"]
    outcome = performed(*words)
    assert read == ["validation"] * 6 + ["test"], "the test data is read once, at the end"
    summary, epochs = outcome.summary, read_run(the_run()).rows("epochs")
    assert summary is not None
    accuracy = epochs["validation_accuracy"]
    assert accuracy.max() > accuracy.iloc[-1], "this run shows nothing: choose another seed"
    assert summary.validation_accuracy == accuracy.iloc[-1]
    assert summary.best_validation_accuracy == accuracy.max()
    assert summary.best_validation_epoch == accuracy.idxmax()
    assert summary.train_loss == epochs["train_loss"].iloc[-1]

    # The same training by hand: its last weights give the test figures.
    composed = compose(*SMALL, *words)
    twin = small_build(composed, max_epochs=6)
    twin.train()
    assert (summary.test_loss, summary.test_accuracy) == evaluate(twin.model, twin.feed, "test")
    assert summary.parameters == sum(p.numel() for p in twin.model.parameters()) == 64 * 8 + 8 + 8 * 8 + 8 + 8 * 10 + 10
    assert (summary.steps, summary.epochs) == (6 * STEPS_PER_EPOCH, 6)


@pytest.mark.parametrize("word", ["trainer.max_epochs=0", "trainer.max_steps=0"])
def test_a_run_without_a_step_tests_the_untrained_network(word: str) -> None:
    outcome = performed(word)
    assert outcome.state == "completed"
    assert outcome.summary is not None
    assert (outcome.summary.steps, outcome.summary.epochs) == (0, 0)
    assert 0 <= outcome.summary.test_accuracy <= 1
    assert read_run(the_run()).rows("steps").empty


def test_the_same_config_gives_the_same_rows_to_the_bit() -> None:
    words = ["normalizer=batch", "optimizer=adam", "schedule=cosine", "trainer.clip_norm=1.0", "device=cpu"]
    paths = [performed(*words, results=results).path for results in ("one", "two")]
    assert paths[0] != paths[1]
    first, second = (read_run(path) for path in paths if path)
    for table in ("steps", "epochs", "layers"):
        rows = [run.rows(table).drop(columns=TIMES, errors="ignore") for run in (first, second)]
        assert len(rows[0]) > 0
        pd.testing.assert_frame_equal(*rows, check_exact=True)


def test_where_and_how_it_is_shown_does_not_change_a_runs_name_but_a_seed_does() -> None:
    def name(*words: str) -> str:
        outcome = performed("trainer.max_steps=1", *words)
        assert outcome.path
        return outcome.path.name

    first = name()
    assert name("experiment_name=other") == name("progress=false", "experiment_name=more") == first
    assert name("data_dir=elsewhere") == first
    assert name("device=cpu") == (first if compose().config["device"] == "auto" else None)
    assert len({first, name("seed=1"), name("optimizer.lr=0.02"), name("activation=tanh")}) == 4


def test_folders_of_the_same_name_in_two_data_folders_are_two_data_sets() -> None:
    for number, data_dir in enumerate(("one", "two")):
        pixels = random_images(40, channels=3, seed=number).movedim(1, -1).numpy()
        for index, image in enumerate(pixels):
            write_image(Path(data_dir, "pics", "cat" if index % 2 else "dog", f"{index}.png"), image)

    def outcome(data_dir: str, folder: str) -> Outcome:
        small = [word for word in SMALL if not word.startswith("dataset.")]
        words = ["dataset=image_folder", f"dataset.folder={folder}", f"data_dir={data_dir}", "trainer.max_steps=1"]
        return perform(compose(*small, *words), ["vgp-bench"], lambda n: lambda s, loss: None)

    first, second = outcome("one", "pics"), outcome("two", "pics")
    assert (first.state, second.state) == ("completed", "completed")
    assert first.path != second.path
    again = outcome("two", str(Path("one/pics").resolve()))  # the first one by another name
    assert (again.state, again.path) == ("kept", first.path)


def test_a_finished_run_is_not_run_again_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *SMALL]) == 0
    first = capsys.readouterr()
    path = the_run()
    assert first.out.startswith("test accuracy ")
    assert f"Table: vgp-bench compare {path}" in first.out.splitlines()
    stamps = {file.name: file.stat().st_mtime_ns for file in path.iterdir()}
    assert main(["run", *SMALL, "progress=false"]) == 0
    again = capsys.readouterr()
    note = f"This run finished earlier and is not run again; remove {path} to repeat it.\n"
    assert again.out == note + first.out
    assert (first.err, again.err) == ("", "")
    assert {file.name: file.stat().st_mtime_ns for file in path.iterdir()} == stamps
    shutil.rmtree(path)
    assert main(["run", *SMALL]) == 0
    assert "finished earlier" not in capsys.readouterr().out
    assert the_run() == path


def test_a_divergence_is_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *SMALL, "optimizer.lr=1e30"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("diverged: the loss is ")
    assert printed.err == ""
    run = read_run(the_run())
    assert run.state == "diverged"
    losses = run.rows("steps")["loss"]
    assert run.reason == f"the loss is {losses.iloc[-1]} at step {len(losses) - 1}"
    assert len(run.rows("layers")) > 0
    assert run.summary is not None
    assert pd.isna(run.summary.test_accuracy)
    assert main(["run", *SMALL, "optimizer.lr=1e30"]) == 0
    assert "finished earlier" in capsys.readouterr().out


def test_a_last_step_that_breaks_the_network_is_a_divergence_too(capsys: pytest.CaptureFixture[str]) -> None:
    # The only loss is that before the only step, and finite.
    assert main(["run", *SMALL, "trainer.max_steps=1", "optimizer.lr=1e30"]) == 0
    run = read_run(the_run())
    assert run.rows("steps")["loss"].map(math.isfinite).all()
    assert run.state == "diverged"
    assert run.reason.startswith("the loss on the test data is ")
    assert run.summary is not None
    assert math.isnan(run.summary.test_accuracy)


# With monitor=off nothing but the error itself makes the loop read the losses of the steps before it.
@pytest.mark.parametrize("monitor", ["default", "off"])
def test_an_error_in_the_middle_keeps_rows_and_traceback(monitor: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("HOLD").write_text("")
    words = ["run", *OWN, *SMALL, f"monitor={monitor}"]
    words.remove("monitor.probe_images=16")
    assert main(words) == 1
    printed = capsys.readouterr()
    path = the_run()
    assert printed.out == ""
    assert printed.err == f"vgp-bench: the run failed: ArithmeticError: an own part (see {path})\n"
    run = read_run(path)
    assert (run.state, run.reason, run.summary) == ("failed", "ArithmeticError: an own part", None)
    assert run.rows("steps")["step"].tolist() == [0, 1, 2, 3, 4]
    traceback = (path / "traceback.txt").read_text()
    assert traceback.startswith("Traceback (most recent call last)")
    assert "own_parts.py" in traceback
    assert "with an own mind" in traceback

    Path("HOLD").unlink()  # mended
    assert main(words) == 0
    assert read_run(path).state == "completed"
    assert not (path / "traceback.txt").exists()


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.\nGPU 0 has ..."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:130] . DefaultCPUAllocator: can't allocate memory\nand more"),
        MemoryError(),
    ],
    ids=["cuda", "cpu", "python"],
)
def test_a_step_for_which_memory_is_lacking_says_what_to_make_smaller(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    genuine = torch.nn.Linear.forward

    def forward(self: torch.nn.Linear, h: torch.Tensor) -> torch.Tensor:
        if torch.is_grad_enabled():  # in training, that is
            raise error
        return genuine(self, h)

    monkeypatch.setattr(torch.nn.Linear, "forward", forward)
    assert main(["run", *SMALL]) == 1
    advice = "out of memory; make trainer.batch_size or the architecture smaller"
    printed = capsys.readouterr()
    assert printed.err.startswith(f"vgp-bench: the run failed: {advice} ({type(error).__name__}")
    assert printed.err.count("\n") == 1
    run = read_run(the_run())
    assert run.state == "failed"
    assert run.reason.startswith(advice)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux only")
def test_the_memory_a_run_needs_is_in_its_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    size = 256 * 2**20
    words = ("activation=relu", "trainer.max_steps=1", "monitor=off", "device=cpu")
    modest = performed(*words, "seed=1").summary
    assert modest is not None

    def forward(self: torch.nn.ReLU, z: torch.Tensor) -> torch.Tensor:
        torch.ones(size, dtype=torch.uint8)
        return z.relu()

    monkeypatch.setattr(torch.nn.ReLU, "forward", forward)
    greedy = performed(*words).summary
    assert greedy is not None
    assert greedy.peak_memory_bytes > modest.peak_memory_bytes + 0.9 * size  # a little may have been given back


def test_an_error_in_building_is_recorded_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *SMALL, "activation=gelu", "activation.approximate=nonsense"]) == 1
    reason = "RuntimeError: approximate argument must be either none or tanh."
    assert capsys.readouterr().err == f"vgp-bench: the run failed: {reason} (see {the_run()})\n"
    run = read_run(the_run())
    assert (run.state, run.reason) == ("failed", reason)
    assert "activation.py" in (the_run() / "traceback.txt").read_text()


def test_a_refused_run_leaves_nothing() -> None:
    outcome = performed("initializer=delta_orthogonal")
    assert (outcome.state, outcome.path, outcome.summary) == ("refused", None, None)
    assert outcome.reason.startswith("initializer=delta_orthogonal: ")
    assert not Path("results").exists()


@pytest.mark.parametrize(
    ("how", "monitor"), [(signal.SIGINT, "default"), (signal.SIGINT, "off"), (signal.SIGKILL, "default")]
)
def test_a_run_that_is_stopped_is_readable_and_the_same_command_completes_it(how: signal.Signals, monitor: str) -> None:
    words = ["run", *OWN, *SMALL, f"monitor={monitor}"]
    words.remove("monitor.probe_images=16")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    Path("HOLD").write_text("wait")
    command = [sys.executable, "-m", "vgp_bench", *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == "held\n"  # in the middle of step 5
        assert read_run(the_run()).state == "running"
        process.send_signal(how)
        if how != signal.SIGKILL:
            time.sleep(0.1)
            Path("HOLD").unlink()  # the present step may end
        out, err = process.communicate(timeout=60)
    run = read_run(the_run())
    assert run.state == ("lost" if how == signal.SIGKILL else "interrupted")
    assert yaml.safe_load((the_run() / "config.yaml").read_text()) == run.config
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert out == "stopped in the run: the same command goes on from there\n"
        assert err.splitlines() == ["1 run, loading torch ...", "vgp-bench: interrupted"]
        assert run.rows("steps")["step"].tolist() == [0, 1, 2, 3, 4, 5]
        assert run.reason == "stopped from the keyboard"

    Path("HOLD").unlink(missing_ok=True)
    assert main(words) == 0
    run = read_run(the_run())
    assert run.state == "completed"
    assert run.rows("steps")["step"].tolist() == list(range(EPOCHS * STEPS_PER_EPOCH))


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Content and time of each file; its owner touches one of them all the time."""
    files = {file.name: file for file in folder.iterdir()}
    return {
        name: (file.read_bytes(), 0 if name.startswith("owner") else file.stat().st_mtime_ns)
        for name, file in files.items()
    }


def test_a_run_that_another_process_has_in_hand_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", *OWN, *SMALL]
    Path("HOLD").write_text("wait")
    command = [sys.executable, "-m", "vgp_bench", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "held\n"
            path = the_run()
            before = contents(path)
            monkeypatch.setenv("INCIDENT_AT", "-1")  # nothing would hold this one
            assert main(words) == 2
            printed = capsys.readouterr()
            reason = f"another process is running it: {path}; wait for it, or stop it"
            assert (printed.out, printed.err) == ("", f"vgp-bench: {reason}\n")
            assert contents(path) == before
        finally:
            Path("HOLD").unlink()
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert read_run(path).state == "completed"


def test_a_kill_costs_no_more_than_the_rows_since_the_last_flush() -> None:
    Path("HOLD").write_text("wait")
    command = [sys.executable, "-m", "vgp_bench", "run", *OWN, *SMALL, "checkpoint_steps=1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"  # in the middle of step 5
        process.kill()
    run = read_run(the_run())
    assert run.state == "lost"
    assert run.rows("steps")["step"].tolist() == [0, 1, 2, 3, 4]
    assert sorted(set(run.rows("layers")["step"])) == [0, 1, 2, 3, 4]


def test_a_disk_that_fills_up_is_named(small_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished = performed("seed=1").path
    assert finished
    Path("HOLD").write_text(str(small_disk))
    assert main(["run", *OWN, *SMALL]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    (path,) = {status.parent for status in small_disk.rglob("status.json")} - {small_disk.parent / finished}
    where = path.relative_to(small_disk.parent)
    assert printed.err.startswith(f"vgp-bench: the run failed: disk full: cannot write {where}/")
    see = f"(see {where}); then the same command goes on"
    assert printed.err.endswith(f"; free some space or set results_dir to another disk {see}\n")
    assert read_run(finished).state == "completed"
    assert read_run(path).config["seed"] == 0
    assert json.loads((path / "environment.json").read_text())["device"]

    assert main(["run", *SMALL, "seed=2"]) == 1
    assert "disk full" in capsys.readouterr().err
    (small_disk / "ballast").unlink()
    assert main(["run", *OWN, *SMALL]) == 0
    assert read_run(path).state == "completed"


@pytest.mark.parametrize(("retry", "again"), [("failed", False), ("all", True)])
def test_a_divergence_is_done_again_only_where_all_is(retry: str, again: bool) -> None:
    words = ["run", *SMALL, "optimizer.lr=1e30", f"retry={retry}"]
    assert main(words) == 0
    first = read_run(the_run()).status
    assert first is not None
    assert first.state == "diverged"
    status = the_run() / "status.json"
    status.write_text(status.read_text().replace(first.started, "2020-01-01T00:00:00+00:00"))
    assert main(words) == 0
    second = read_run(the_run()).status
    assert second is not None
    assert (second.started != "2020-01-01T00:00:00+00:00") is again
