"""Temporal order: in which order came the few symbols that matter, among many that do not?

Source: Hochreiter & Schmidhuber 1997, "Long Short-Term Memory", experiments 6a (two symbols) and 6b (three). The paper
was not at hand: positions and alphabet are from memory, those of 6b unconfirmed. In the paper lengths vary from 100 to
110; here the length is fixed and the ranges of positions, given for 100 steps, are scaled to it.
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

ALPHABET = "EBabcdXY"
_POSITIONS = {2: ((10, 20), (50, 60)), 3: ((10, 20), (33, 43), (66, 76))}
_SHORTEST = 10


@dataclass(frozen=True)
class TemporalOrder(SequenceTask):
    """E, then distractors a, b, c, d, among them `relevant` symbols X or Y, and B at the end.

    Target: the X and Y in their order, read as a binary number with X = 0 and Y = 1: XX 0, XY 1, YX 2, YY 3.
    """

    length: int = 100
    relevant: int = 2

    def __post_init__(self) -> None:
        if self.relevant not in _POSITIONS:
            raise ConfigError(f"dataset.relevant={self.relevant}: use 2 (four classes, experiment 6a) or 3 (eight, 6b)")
        if self.length < _SHORTEST:
            raise ConfigError(
                f"dataset.length={self.length}: the ranges of X and Y would overlap: use {_SHORTEST} or more"
            )

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """First and last step, from 0, where each of the relevant symbols may be."""
        return tuple(
            (first * self.length // 100, last * self.length // 100) for first, last in _POSITIONS[self.relevant]
        )

    @property
    def shape(self) -> SequenceShape:
        return SequenceShape(self.length, features=len(ALPHABET), outputs=2**self.relevant)

    @property
    def objective(self) -> Classification:
        return Classification()

    @property
    def chance(self) -> Chance:
        classes = self.shape.outputs
        return Chance(math.log(classes), 1 / classes, answer=f"each class with 1/{classes}")

    def sample(self, count: int, split: SplitName, generator: torch.Generator) -> Batch:
        def draw(low: int, high: int, columns: int = 1) -> torch.Tensor:
            return torch.randint(low, high, (count, columns), device=generator.device, generator=generator)

        symbols = draw(ALPHABET.index("a"), ALPHABET.index("d") + 1, self.length)
        symbols[:, 0] = ALPHABET.index("E")
        symbols[:, -1] = ALPHABET.index("B")
        targets = symbols.new_zeros(count)
        for first, last in self.ranges:
            position, is_y = draw(first, last + 1), draw(0, 2)
            symbols.scatter_(1, position, ALPHABET.index("X") + is_y)
            targets = 2 * targets + is_y.squeeze(1)
        return one_hot(symbols, len(ALPHABET)), targets


def load(
    data_dir: str | Path,
    length: int = 100,
    relevant: int = 2,
    train_size: int = 10000,
    validation_size: int = 1000,
    test_size: int = 2000,
) -> SequenceData:
    """Temporal order with so many sequences; data_dir is not used. ConfigError for impossible keys."""
    return SequenceData(TemporalOrder(length, relevant), train_size, validation_size, test_size)
