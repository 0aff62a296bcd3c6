"""What a network is fed with, and what is asked of it: the side of a data set that a training sees."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from vgp_bench.data.batches import Batches
from vgp_bench.data.images import ImageData
from vgp_bench.data.images_as_sequences import ImagesAsSequences
from vgp_bench.data.objectives import Chance, Classification, Objective
from vgp_bench.data.sequences import SequenceBatches, SequenceData
from vgp_bench.data.splits import SplitName


class Source(Protocol):
    """Batches (inputs, targets) on the device."""

    steps_per_epoch: int

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[tuple[Tensor, Tensor]]: ...

    def evaluation(self, split: SplitName, batch_size: int = 1024) -> Iterator[tuple[Tensor, Tensor]]: ...

    def probe(self, count: int) -> tuple[Tensor, Tensor]: ...


@dataclass(frozen=True)
class Feed:
    """shapes: the arguments by which an architecture is told what it reads and gives."""

    batches: Source
    objective: Objective
    chance: Chance
    shapes: dict[str, Any]
    most_probes: int
    """Largest probe that can be taken."""


def make_feed(
    data: ImageData | SequenceData,
    batch_size: int,
    seed: int,
    device: torch.device,
    images_as: str | None = None,
) -> Feed:
    """images_as: how a model that reads sequences gets images (see ImagesAsSequences); None for a model of images.

    Raises ConfigError if no whole batch can be made.
    """
    if isinstance(data, SequenceData):
        task = data.task
        source = SequenceBatches(data, batch_size, seed, device)
        return Feed(source, task.objective, task.chance, {"sequence": task.shape}, data.train_size)
    classes = len(data.classes)
    chance = Chance(torch.tensor(float(classes)).log().item(), 1 / classes, "any class, all equally likely")
    batches = Batches(data, batch_size, seed)
    if images_as is None:
        shapes = {"image_shape": data.image_shape, "classes": classes}
        return Feed(batches, Classification(), chance, shapes, len(data.train))
    sequences = ImagesAsSequences(batches, images_as, seed)
    return Feed(sequences, Classification(), chance, {"sequence": sequences.shape}, len(data.train))
