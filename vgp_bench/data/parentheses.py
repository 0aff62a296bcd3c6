"""Balanced parentheses: trained on short words, tested on long ones.

Source: a classic language, Dyck (Chomsky & Schützenberger 1963); this form of the task is our own. Balanced or not, a
word has as many opening as closing parentheses, so that counting them is not enough: the order decides.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional as F

from vgp_bench.data.dyck import dyck_words, join, unbalance
from vgp_bench.data.objectives import Chance, Classification
from vgp_bench.data.sequences import Batch, SequenceData, SequenceShape, SequenceTask
from vgp_bench.data.splits import SplitName
from vgp_bench.data.symbols import one_hot
from vgp_bench.errors import ConfigError

ALPHABET = "() "  # the blank is padding


@dataclass(frozen=True)
class Parentheses(SequenceTask):
    """Is the word balanced (1) or not (0)? Either with probability 1/2; asked at the last step.

    Words to train and validate on have an even length from 4 to train_length, each equally often; words to test on have
    test_length. Padding stands on the left, so that all are equally long.
    A word of p pairs is joined of two balanced ones of a and p - a pairs, a uniform in 1 ... p - 1, each uniform among
    those of its length; "((...))" never occurs. To unbalance it, the last opening before and the first closing
    parenthesis after the joint are exchanged. So the mistake may be anywhere: who looks for it in the last m steps
    only finds it in floor((m + 1) / 2) / (p - 1) of the unbalanced words, a fifth for 20 of 100 steps: .602 right.
    Short words are few, and met again in validation; the test is on new ones if test_length is above train_length.
    """

    train_length: int = 20
    test_length: int = 100

    def __post_init__(self) -> None:
        for key in ("train_length", "test_length"):
            length = getattr(self, key)
            if length < 4 or length % 2:
                even = max(4, length // 2 * 2)
                choices = f"{even} or {even + 2}" if length > 4 else f"{even} or more"
                raise ConfigError(f"dataset.{key}={length}: parentheses come in pairs, two at least: use {choices}")

    @property
    def shape(self) -> SequenceShape:
        return SequenceShape(max(self.train_length, self.test_length), features=len(ALPHABET), outputs=2)

    @property
    def objective(self) -> Classification:
        return Classification()

    @property
    def chance(self) -> Chance:
        return Chance(math.log(2), 1 / 2, answer="each class with 1/2")

    def sample(self, count: int, split: SplitName, generator: torch.Generator) -> Batch:
        device, longest = generator.device, self.test_length if split == "test" else self.train_length
        fewest = longest // 2 if split == "test" else 2
        pairs = torch.randint(fewest, longest // 2 + 1, (count, 1), device=device, generator=generator)
        share = torch.rand(count, 1, device=device, generator=generator)
        # The float32 product may be rounded up to pairs - 1.
        before = torch.minimum((share * (pairs - 1)).long() + 1, pairs - 1)
        balanced = torch.randint(0, 2, (count,), device=device, generator=generator)
        left, right = (dyck_words(part, longest, generator) for part in (before, pairs - before))
        words = join(left, right)
        middle = longest - 2 * (pairs - before) - 1
        words = torch.where(balanced.unsqueeze(1) == 1, words, unbalance(words, middle))
        # 1, -1, 0 -> places in the alphabet 0, 1, 2
        symbols = torch.where(words == 0, 2, (1 - words) // 2)
        symbols = F.pad(symbols, (self.shape.length - longest, 0), value=2)
        return one_hot(symbols, len(ALPHABET)), balanced


def load(
    data_dir: str | Path,
    train_length: int = 20,
    test_length: int = 100,
    train_size: int = 10000,
    validation_size: int = 1000,
    test_size: int = 2000,
) -> SequenceData:
    """Parentheses with so many words; data_dir is not used. ConfigError for impossible keys."""
    return SequenceData(Parentheses(train_length, test_length), train_size, validation_size, test_size)
