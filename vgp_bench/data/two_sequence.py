"""Two-sequence problem: the first elements tell the class, all that follow are noise on the same line.

Source: Hochreiter & Schmidhuber 1997, "Long Short-Term Memory", experiment 3, tasks 3a and 3b; 3a is from Bengio et
al. 1994. The papers were not at hand: all numbers are from memory. Differences: the length is fixed (from memory,
unconfirmed: T to 1.1 T), and the answer is a class, not a number that must be off by less than 0.2. Task 3c is left
out: its targets are noisy, but judged against ones without noise.
That guessing weights at random solves 3a sooner than learning is also the paper's own remark (unconfirmed): to solve
it proves little.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from vgp_bench.data.objectives import Chance, Classification
from vgp_bench.data.sequences import Batch, SequenceData, SequenceShape, SequenceTask
from vgp_bench.data.splits import SplitName
from vgp_bench.errors import ConfigError

Variant = Literal["3a", "3b"]

NOISE_VARIANCE = 0.2


@dataclass(frozen=True)
class TwoSequence(SequenceTask):
    """The first `informative` elements are +1 (class 1) or -1 (class 0), the others Gaussian: mean 0, variance 0.2.

    variant 3b: the same noise is added to the informative elements too. No answer is then right more often than
    Phi(sqrt(informative / 0.2)): .987 for 1, .99995 for 3.
    """

    length: int = 100
    informative: int = 3
    variant: Variant = "3a"

    def __post_init__(self) -> None:
        if self.variant not in ("3a", "3b"):
            raise ConfigError(f"dataset.variant={self.variant}: use 3a or 3b (3b adds noise to all elements)")
        if self.length < 2:
            raise ConfigError(f"dataset.length={self.length}: noise must follow: use 2 or more")
        if not 1 <= self.informative < self.length:
            raise ConfigError(
                f"dataset.informative={self.informative}: noise must follow within dataset.length={self.length}: "
                f"use 1 to {self.length - 1}"
            )

    @property
    def shape(self) -> SequenceShape:
        return SequenceShape(self.length, features=1, outputs=2)

    @property
    def objective(self) -> Classification:
        return Classification()

    @property
    def chance(self) -> Chance:
        return Chance(math.log(2), 1 / 2, answer="each class with 1/2")

    def sample(self, count: int, split: SplitName, generator: torch.Generator) -> Batch:
        device = generator.device
        classes = torch.randint(0, 2, (count,), device=device, generator=generator)
        elements = torch.randn(count, self.length, device=device, generator=generator) * math.sqrt(NOISE_VARIANCE)
        informative = elements[:, : self.informative]
        if self.variant == "3a":
            informative.zero_()
        informative += (2 * classes - 1).unsqueeze(1)
        return elements.unsqueeze(2), classes


def load(
    data_dir: str | Path,
    length: int = 100,
    informative: int = 3,
    variant: Variant = "3a",
    train_size: int = 10000,
    validation_size: int = 1000,
    test_size: int = 2000,
) -> SequenceData:
    """The two-sequence problem with so many sequences; data_dir is not used. ConfigError for impossible keys."""
    return SequenceData(TwoSequence(length, informative, variant), train_size, validation_size, test_size)
