"""One run from config to record: what it leaves, and what makes it the same run."""

import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from tests.composing import compose, small_build
from tests.data_fixtures import random_images, write_image
from tests.resuming import the_run
from tests.small_runs import EPOCHS, SMALL, STEPS_PER_EPOCH, folder_with_own_parts, performed  # noqa: F401  a fixture of every test here too
from vgp_bench.cli import main
from vgp_bench.data.batches import Batches
from vgp_bench.records.reading import read_run
from vgp_bench.run import Outcome, perform
from vgp_bench.training.evaluation import evaluate

TIMES = ["images_per_second", "seconds"]


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
