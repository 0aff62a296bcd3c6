"""Data that cannot be learned, or can though it looks strange; and a loss in other units."""

import importlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from vgp_bench.data.images import ImageData, Split
from vgp_bench.data.objectives import Chance, Objective
from vgp_bench.data.sequences import Batch, SequenceData, SequenceShape, SequenceTask
from vgp_bench.data.splits import SplitName

FEW = 3
"""Images that stand for all others where inputs are unrelated to the answers: so few that nothing can be memorized."""
Inputs = Literal["as they are", "constant", "unrelated"]


def images(
    data_dir: str | Path,
    source: Literal["digits", "mnist"] = "digits",
    train_size: int | None = None,
    validation_size: int = 200,
    label_noise: float = 0.0,
    inputs: Inputs = "as they are",
    pixels: float | None = None,
    rare: float = 1.0,
    split_seed: int = 0,
) -> ImageData:
    """label_noise: share of the training labels drawn anew, 1 for all of them; inputs: what becomes of the images of
    all splits; pixels: inputs lie between 0 and this, not standardized; rare: share of classes 1 to 9 that is kept."""
    module = importlib.import_module(f"vgp_bench.data.{source}")
    data: ImageData = module.load(
        data_dir, train_size=train_size, validation_size=validation_size, test_size=300, split_seed=split_seed
    )
    chance = torch.Generator().manual_seed(0)
    labels = data.train.labels.clone()
    drawn = torch.rand(len(labels), generator=chance) < label_noise
    labels[drawn] = torch.randint(0, len(data.classes), (int(drawn.sum()),), generator=chance)
    kept = (labels == 0) | (torch.rand(len(labels), generator=chance) < rare)
    data = replace(data, train=Split(data.train.images[kept], labels[kept]))
    if pixels is not None:
        channels = torch.ones_like(data.mean)
        data = replace(data, mean=0 * channels, std=channels / pixels)
    splits = [replace(split, images=_altered(split.images, inputs, chance)) for split in _splits(data)]
    return replace(data, train=splits[0], validation=splits[1], test=splits[2])


def _splits(data: ImageData) -> tuple[Split, Split, Split]:
    return data.train, data.validation, data.test


def _altered(pixels: Tensor, inputs: Inputs, chance: torch.Generator) -> Tensor:
    if inputs == "constant":
        return torch.full_like(pixels, 77)
    if inputs == "unrelated":
        return pixels[torch.randint(0, FEW, (len(pixels),), generator=chance)]
    return pixels


@dataclass(frozen=True)
class Rescaled(Objective):
    """An objective times a constant."""

    of: Objective
    by: float

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self.by * self.of.loss(outputs, targets)

    def correct(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self.of.correct(outputs, targets)


@dataclass(frozen=True)
class Altered(SequenceTask):
    """A task whose loss is multiplied by loss_scale, and, where unrelated, whose answers belong to other sequences."""

    of: SequenceTask
    loss_scale: float
    unrelated: bool
    input_scale: float

    @property
    def shape(self) -> SequenceShape:
        return self.of.shape

    @property
    def objective(self) -> Objective:
        return self.of.objective if self.loss_scale == 1 else Rescaled(self.of.objective, self.loss_scale)

    @property
    def chance(self) -> Chance:
        return replace(self.of.chance, loss=self.loss_scale * self.of.chance.loss)

    def sample(self, count: int, split: SplitName, generator: torch.Generator) -> Batch:
        inputs, targets = self.of.sample(count, split, generator)
        return inputs * self.input_scale, targets.roll(1, 0) if self.unrelated else targets


def sequences(
    data_dir: str | Path,
    source: Literal["adding", "copy_memory", "temporal_order", "two_sequence"] = "adding",
    options: dict[str, Any] | None = None,
    loss_scale: float = 1.0,
    unrelated: bool = False,
    input_scale: float = 1.0,
) -> SequenceData:
    """One of the sequence tasks with options for it, altered."""
    module = importlib.import_module(f"vgp_bench.data.{source}")
    data: SequenceData = module.load(data_dir, **(options or {}))
    return replace(data, task=Altered(data.task, loss_scale, unrelated, input_scale))
