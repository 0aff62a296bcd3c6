"""Copy memory: say ten symbols again, after a long wait.

Source: Arjovsky et al. 2016, "Unitary Evolution Recurrent Neural Networks", section 5.1, after Hochreiter &
Schmidhuber 1997. The papers were not at hand: lengths and alphabet are from memory; the baseline 10 ln 8 / (T + 20)
follows from them.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import torch

from vgp_bench.data.objectives import Chance, Classification
from vgp_bench.data.sequences import Batch, SequenceData, SequenceShape, SequenceTask
from vgp_bench.data.splits import SplitName
from vgp_bench.data.symbols import one_hot
from vgp_bench.errors import ConfigError

SYMBOLS = 8
COPIED = 10
BLANK, DELIMITER = SYMBOLS, SYMBOLS + 1


@dataclass(frozen=True)
class CopyMemory(SequenceTask):
    """10 of 8 symbols (0 ... 7), delay - 1 blanks (8), the delimiter (9), 10 blanks: delay + 20 steps.

    Targets: blanks until the delimiter is read, then the 10 symbols, one a step. delay is the paper's T: from reading
    a symbol to saying it pass delay + 10 steps.
    """

    delay: int = 100

    def __post_init__(self) -> None:
        if self.delay < 1:
            raise ConfigError(f"dataset.delay={self.delay}: the delimiter is its last step: use 1 or more")

    @property
    def shape(self) -> SequenceShape:
        return SequenceShape(self.delay + 2 * COPIED, features=SYMBOLS + 2, outputs=SYMBOLS + 1, every_step=True)

    @property
    def objective(self) -> Classification:
        return Classification()

    @property
    def chance(self) -> Chance:
        length = self.shape.length
        return Chance(
            loss=COPIED * math.log(SYMBOLS) / length,
            accuracy=(length - COPIED + COPIED / SYMBOLS) / length,
            answer="blank until the delimiter, then each symbol with 1/8",
        )

    def sample(self, count: int, split: SplitName, generator: torch.Generator) -> Batch:
        copied = torch.randint(0, SYMBOLS, (count, COPIED), device=generator.device, generator=generator)
        waiting = copied.new_full((count, self.shape.length - COPIED), BLANK)
        read = torch.cat([copied, waiting], dim=1)
        read[:, -COPIED - 1] = DELIMITER
        return one_hot(read, self.shape.features), torch.cat([waiting, copied], dim=1)


def load(
    data_dir: str | Path,
    delay: int = 100,
    train_size: int = 10000,
    validation_size: int = 1000,
    test_size: int = 2000,
) -> SequenceData:
    """Copy memory with so many sequences; data_dir is not used. ConfigError for impossible keys."""
    return SequenceData(CopyMemory(delay), train_size, validation_size, test_size)
