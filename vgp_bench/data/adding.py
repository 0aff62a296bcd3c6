"""The adding problem: remember two marked numbers of a long sequence and add them.

Source: Hochreiter & Schmidhuber 1997, "Long Short-Term Memory", experiment 4; here in the form of Le et al. 2015, "A
Simple Way to Initialize Recurrent Networks of Rectified Linear Units", section 4.1, and Arjovsky et al. 2016. The
papers were not at hand. From memory, unconfirmed: in 1997 the values lie in [-1, 1], lengths vary by a tenth, the sum
is scaled into [0, 1] and the first mark lies within the first ten steps; Le et al. print .1767 for the error of always
answering 1, where the closed form is 1/6. Here lengths are fixed and nothing is scaled.
"""

from dataclasses import dataclass
from pathlib import Path

import torch

from vgp_bench.data.objectives import Chance, Regression
from vgp_bench.data.sequences import Batch, SequenceData, SequenceShape, SequenceTask
from vgp_bench.data.splits import SplitName
from vgp_bench.errors import ConfigError


@dataclass(frozen=True)
class Adding(SequenceTask):
    """Each step has a value, uniform in [0, 1), and a mark, 0 or 1. Target: the sum of the two marked values.

    One mark falls uniformly on the first half, length // 2 steps, the other on the rest.
    """

    length: int = 100

    def __post_init__(self) -> None:
        if self.length < 2:
            raise ConfigError(f"dataset.length={self.length}: two numbers are added: use 2 or more")

    @property
    def shape(self) -> SequenceShape:
        return SequenceShape(self.length, features=2, outputs=1)

    @property
    def objective(self) -> Regression:
        return Regression()

    @property
    def chance(self) -> Chance:
        # The sum of two uniform numbers has mean 1, variance 2/12 and the density 1 - |s - 1|.
        return Chance(loss=1 / 6, accuracy=1 - (1 - self.objective.tolerance) ** 2, answer="always 1.0")

    def sample(self, count: int, split: SplitName, generator: torch.Generator) -> Batch:
        device, half = generator.device, self.length // 2
        values = torch.rand(count, self.length, device=device, generator=generator)
        first = torch.randint(0, half, (count, 1), device=device, generator=generator)
        second = torch.randint(half, self.length, (count, 1), device=device, generator=generator)
        marked = torch.cat([first, second], dim=1)
        marks = torch.zeros_like(values).scatter_(1, marked, 1.0)
        return torch.stack([values, marks], dim=2), values.gather(1, marked).sum(1)


def load(
    data_dir: str | Path,
    length: int = 100,
    train_size: int = 10000,
    validation_size: int = 1000,
    test_size: int = 2000,
) -> SequenceData:
    """Adding with so many sequences; data_dir is not used. ConfigError for impossible keys."""
    return SequenceData(Adding(length), train_size, validation_size, test_size)
