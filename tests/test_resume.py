"""A run that is broken off goes on to the same bits, whatever it is made of."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.data_fixtures import random_images, write_image
from tests.resuming import IMAGES, MLP, Killed, fingerprint, performed, the_run, weights
from vgp_bench import run as run_module
from vgp_bench.records.checkpoints import Checkpoints, Position
from vgp_bench.records.reading import read_run
from vgp_bench.training import keeper
from vgp_bench.training.loop import Loop


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


SEQUENCES = [
    "dataset=adding",
    "dataset.length=12",
    "dataset.train_size=64",
    "dataset.validation_size=32",
    "dataset.test_size=32",
    "trainer.batch_size=16",
    "trainer.max_epochs=3",
    "monitor.probe_images=16",
    "device=cpu",
]
CASES = {
    "momentum, cosine": [*MLP, "optimizer=sgd", "optimizer.momentum=0.9", "schedule=cosine"],
    "warm-up, step": [*MLP, "schedule=step", "schedule.milestones=[0.5,0.8]", "schedule.warmup=0.3"],
    "one cycle": [*MLP, "schedule=one_cycle"],
    "adam": [*MLP, "optimizer=adam", "optimizer.lr=0.01"],
    "muon": [*MLP, "architecture.depth=4", "optimizer=muon", "schedule=cosine"],
    "rmsprop": [*MLP, "optimizer=rmsprop", "optimizer.lr=0.001"],
    "portions, clipped, smoothed": [
        *MLP,
        "trainer.micro_batches=4",
        "trainer.clip_norm=0.5",
        "trainer.label_smoothing=0.1",
    ],
    "batch norm, augmentation": [
        "architecture=resnet",
        "architecture.depth=8",
        "architecture.width=8",
        "normalizer=batch",
        "dataset=image_folder",
        "dataset.folder=pics",
        "data_dir=data",
        "dataset.crop_padding=1",
        "dataset.flip=true",
        *IMAGES,
    ],
    "dropout, drop path": [
        "architecture=vit",
        "architecture.blocks=2",
        "architecture.width=16",
        "architecture.heads=2",
        "architecture.dropout=0.2",
        "architecture.drop_path=0.3",
        "optimizer=adamw",
        *IMAGES,
    ],
    "lstm": ["architecture=lstm", "architecture.hidden=8", "trainer.clip_norm=1.0", *SEQUENCES],
    "bf16": [*MLP, "trainer.precision=bf16"],
    "cut within a pass": [*MLP, "trainer.max_steps=10"],
}


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The weights that each run ended with."""
    kept: list[str] = []
    genuine = run_module._train

    def watched(loop: Loop) -> Any:
        result = genuine(loop)
        kept.append(weights(loop))
        return result

    monkeypatch.setattr(run_module, "_train", watched)
    return kept


@pytest.mark.parametrize("words", CASES.values(), ids=CASES)
def test_a_run_that_dies_twice_ends_with_the_bits_of_one_that_never_did(words: list[str], ends: list[str]) -> None:
    if "dataset.folder=pics" in words:
        for index, image in enumerate(random_images(200, channels=3).movedim(1, -1).numpy()):
            write_image(Path("data", "pics", "cat" if index % 2 else "dog", f"{index}.png"), image)
    twin = performed(*words, results="twin")
    assert twin
    if twin.state == "refused" and "bf16" in twin.reason:
        pytest.skip(twin.reason)
    assert twin.state == "completed", twin.reason
    # After 5 steps, in the middle of a pass of 4; then after 8, at the end of one, its row not yet in the record.
    assert performed(*words, "checkpoint_steps=1", die_after=6) is None
    assert read_run(the_run()).state == "lost"
    assert performed(*words, "checkpoint_steps=2", die_after=9) is None
    again = performed(*words)
    assert again
    assert again.state == "completed", again.reason
    resumed = json.loads((the_run() / "environment.json").read_text())["resumed"]
    assert [entry["step"] for entry in resumed] == [5, 8]
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))
    assert len(ends) == 2
    assert ends[0] == ends[1]
    left = {"checkpoint", "owner_"}
    assert not [file.name for file in the_run().iterdir() if any(file.name.startswith(name) for name in left)]


@pytest.mark.parametrize("die_after", [1, 3, 4, 5, 11, 12])
def test_wherever_it_dies(die_after: int) -> None:
    performed(*MLP, results="twin")
    assert performed(*MLP, "checkpoint_steps=1", die_after=die_after) is None
    performed(*MLP)
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))


def test_rows_that_came_after_the_checkpoint_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    performed(*MLP, results="twin")
    genuine = Checkpoints.save

    def save(self: Checkpoints, position: Position, state: bytes) -> None:
        if position.step == 6:
            raise Killed  # the tables are written, the checkpoint is not
        genuine(self, position, state)

    monkeypatch.setattr(Checkpoints, "save", save)
    assert performed(*MLP, "checkpoint_steps=1") is None
    monkeypatch.setattr(Checkpoints, "save", genuine)
    assert len(read_run(the_run()).rows("steps")) == 6
    performed(*MLP)
    assert read_run(the_run()).environment["resumed"][0]["step"] == 5
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))


@pytest.mark.parametrize("every", [2, 7])
def test_the_state_is_read_as_often_as_one_likes_and_nothing_changes(every: int) -> None:
    # A tape that is read after every step sees a divergence at once, another one up to 50 steps later.
    words = [*MLP, "optimizer.lr=1e18", "trainer.max_epochs=20", f"monitor.every={every}", "monitor.dense_steps=0"]
    for results, more in {"often": ["checkpoint_steps=1"], "seldom": ["checkpoint_seconds=1000"]}.items():
        outcome = performed(*words, *more, results=results)
        assert outcome
        assert outcome.state == "diverged"
    assert fingerprint(the_run("often")) == fingerprint(the_run("seldom"))
    record = read_run(the_run("seldom"))
    assert record.summary
    assert record.summary.steps == len(record.rows("steps"))
    assert record.rows("layers")["step"].max() < record.summary.steps


def test_the_clock_and_the_memory_go_on_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper.RunKeeper, "peak_memory", lambda self: max(self._earlier_peak, memory))
    memory = 5e12
    performed(*MLP, "checkpoint_steps=1", die_after=7)
    before = read_run(the_run()).rows("epochs")["seconds"].iloc[-1]
    memory = 1.0
    outcome = performed(*MLP)
    assert outcome
    assert outcome.summary
    epochs = read_run(the_run()).rows("epochs")
    assert (epochs["seconds"].diff().dropna() > 0).all()
    assert epochs["seconds"].iloc[0] == before, "of the first attempt"
    assert outcome.summary.seconds > before
    assert outcome.summary.peak_memory_bytes == 5e12


def test_other_code_is_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    performed(*MLP, "checkpoint_steps=1", die_after=7)
    genuine = run_module.describe_environment
    monkeypatch.setattr(
        run_module, "describe_environment", lambda *a: {**genuine(*a), "code": {"commit": "f00", "dirty": True}}
    )
    performed(*MLP)
    environment = read_run(the_run()).environment
    assert environment["code"]["commit"] != "f00"
    assert [entry["code"] for entry in environment["resumed"]] == [{"commit": "f00", "dirty": True}]
    assert environment["resumed"][0]["problems"] == []


def test_deterministic_is_for_the_run_that_asked_for_it() -> None:
    seen: list[bool] = []
    genuine = run_module._train
    try:
        run_module._train = lambda loop: (seen.append(torch.are_deterministic_algorithms_enabled()), genuine(loop))[1]
        one = performed(*MLP, "deterministic=true", "trainer.max_steps=1")
        two = performed(*MLP, "trainer.max_steps=1")
    finally:
        run_module._train = genuine
    assert seen == [True, False]
    assert one
    assert two
    assert one.path != two.path, "it can change a number"


def test_random_parts_of_any_kind_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    import random

    import numpy as np

    drawn: list[float] = []
    genuine = torch.nn.ReLU.forward

    def noisy(self: torch.nn.ReLU, z: torch.Tensor) -> torch.Tensor:
        if torch.is_grad_enabled():
            drawn.append(random.gauss(0, 1) + np.random.standard_normal() + torch.rand(()).item())
        elif not self.training:
            torch.rand(())  # also while it evaluates
        return genuine(self, z)

    monkeypatch.setattr(torch.nn.ReLU, "forward", noisy)
    words = [*MLP, "monitor=off"]
    words.remove("monitor.probe_images=16")
    words.remove("monitor.every=2")
    words.remove("monitor.dense_steps=3")

    def figures(results: str, *more: str, **how: Any) -> None:
        random.seed(1)
        np.random.seed(1)
        performed(*words, *more, results=results, **how)

    figures("twin")
    whole, drawn[:] = list(drawn), []
    figures("results", "checkpoint_steps=1", die_after=7)
    first, drawn[:] = list(drawn), []
    performed(*words)  # not seeded
    assert len(whole) == 24
    assert first[:12] + drawn == whole  # 6 steps with two layers each are in the checkpoint
    assert math.isfinite(sum(whole))


def test_killed_is_not_expected_anywhere() -> None:
    assert not issubclass(Killed, (Exception, KeyboardInterrupt)), "or the record would hear of it"
