"""Sequence tasks that are generated, not loaded: fresh sequences at every training step, fixed ones to evaluate on.

They are drawn on the device where they are used, from the seed: the same seed and device give the same sequences; CPU
and CUDA draw different ones.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vgp_bench.data.objectives import Chance, Objective
from vgp_bench.data.splits import SplitName
from vgp_bench.errors import ConfigError

Batch = tuple[Tensor, Tensor]
"""inputs: float32 (n, length, features), symbols one-hot; targets as the objective takes them."""


@dataclass(frozen=True)
class SequenceShape:
    """What a model that reads sequences gets and gives: float32 (n, length, features) -> (n, outputs), or
    (n, length, outputs) if every_step asks for an answer at each time step."""

    length: int
    features: int
    outputs: int
    every_step: bool = False


class SequenceTask(ABC):
    """One task. Subclasses are frozen dataclasses whose fields are the task's own keys."""

    @property
    @abstractmethod
    def shape(self) -> SequenceShape: ...

    @property
    @abstractmethod
    def objective(self) -> Objective: ...

    @property
    @abstractmethod
    def chance(self) -> Chance: ...

    @abstractmethod
    def sample(self, count: int, split: SplitName, generator: torch.Generator) -> Batch:
        """count fresh sequences on generator.device. split: for tasks that test on other lengths than they train on."""


@dataclass(frozen=True)
class SequenceData:
    """A task and how many sequences stand for an epoch, for validation and for test. Raises ConfigError for sizes
    below 1."""

    task: SequenceTask
    train_size: int
    validation_size: int
    test_size: int

    def __post_init__(self) -> None:
        for key in ("train_size", "validation_size", "test_size"):
            if getattr(self, key) < 1:
                raise ConfigError(f"dataset.{key}={getattr(self, key)} must be 1 or more")

    def to(self, device: torch.device) -> "SequenceData":
        """Itself: nothing is stored."""
        return self


_STREAMS = {"train": 0, "validation": 1, "test": 2, "probe": 3}


class SequenceBatches:
    """Training, evaluation and probe batches of a sequence task on a device.

    Each training step draws its own sequences from (seed, epoch, step), so a resumed run needs no saved state; the
    validation, test and probe sequences do not depend on the seed, so that runs are compared on equal ones. The
    global random state is never touched. Raises ConfigError if no whole batch can be made.
    """

    def __init__(self, data: SequenceData, batch_size: int, seed: int, device: torch.device) -> None:
        if batch_size < 1:
            raise ConfigError(f"trainer.batch_size={batch_size} must be 1 or more")
        if seed < 0:
            raise ConfigError(f"seed={seed} must be 0 or more")
        if batch_size > data.train_size:
            raise ConfigError(
                f"trainer.batch_size={batch_size} is more than dataset.train_size={data.train_size}, the sequences of "
                "an epoch; lower it or raise that"
            )
        self.steps_per_epoch = data.train_size // batch_size
        self._data = data
        self._batch_size = batch_size
        self._seed = seed
        self._device = device

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """The training batches of one epoch (0, 1, ...); from first_step on."""
        for step in range(first_step, self.steps_per_epoch):
            yield self._draw(self._batch_size, "train", (self._seed, epoch, step))

    def evaluation(self, split: SplitName, batch_size: int = 1024) -> Iterator[Batch]:
        """The fixed sequences of the validation or test split; of the training split, those of no step.

        Another batch_size gives other sequences of the same kind.
        """
        count = {
            "train": self._data.train_size,
            "validation": self._data.validation_size,
            "test": self._data.test_size,
        }[split]
        for part, first in enumerate(range(0, count, batch_size)):
            yield self._draw(min(batch_size, count - first), split, (part,))

    def probe(self, count: int) -> Batch:
        """The same `count` sequences for every seed and epoch."""
        return self._draw(count, "train", (), stream="probe")

    def _draw(self, count: int, split: SplitName, numbers: tuple[int, ...], stream: str = "") -> Batch:
        # The number of numbers is mixed in too: evaluation part 7 has nothing in common with any step.
        entropy = [_STREAMS[stream or split], len(numbers), *numbers]
        mixed = np.random.SeedSequence(entropy).generate_state(1, np.uint64)
        generator = torch.Generator(self._device).manual_seed(int(mixed[0]))
        return self._data.task.sample(count, split, generator)
