"""Parentheses: balance by a stack, equal counts, uniform words, and mistakes anywhere in a word."""

import math
from collections import Counter

import pytest
import torch

from tests.sequence_tasks import decoded
from vgp_bench.data.dyck import dyck_words, join, unbalance
from vgp_bench.data.parentheses import Parentheses


def is_balanced(word: str) -> bool:
    stack = []
    for symbol in word:
        if symbol == "(":
            stack.append(symbol)
        elif not stack:
            return False
        else:
            stack.pop()
    return not stack


def drawn(task: Parentheses, split: str, count: int = 500) -> list[tuple[str, int]]:
    inputs, targets = task.sample(count, split, torch.Generator().manual_seed(3))  # type: ignore[arg-type]
    return list(zip(decoded(inputs, "() "), targets.tolist(), strict=True))


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize("lengths", [(20, 100), (4, 6), (40, 10)])
def test_the_target_is_what_a_stack_says(lengths: tuple[int, int], split: str) -> None:
    words = drawn(Parentheses(*lengths), split)
    seen = set()
    for text, target in words:
        word = text.lstrip(" ")
        assert len(text) == max(lengths)
        assert " " not in word
        assert target == is_balanced(word)
        assert word.count("(") == word.count(")")
        seen.add((len(word), target))
    expected = {lengths[1]} if split == "test" else set(range(4, lengths[0] + 1, 2))
    assert seen == {(length, target) for length in expected for target in (0, 1)}


def test_lengths_are_equally_frequent_in_both_classes() -> None:
    count = 20_000
    inputs, targets = Parentheses(20, 100).sample(count, "train", torch.Generator().manual_seed(3))
    lengths = (1 - inputs[:, :, 2]).sum(1)
    for target in (0, 1):
        for length in range(4, 21, 2):
            share = ((lengths == length) & (targets == target)).float().mean()
            assert share == pytest.approx(1 / 18, abs=4.5 * math.sqrt(1 / 18 / count))


@pytest.mark.parametrize(("pairs", "catalan"), [(1, 1), (2, 2), (3, 5), (4, 14), (5, 42)])
def test_balanced_words_are_uniform(pairs: int, catalan: int) -> None:
    count = 20_000
    words = dyck_words(torch.full((count, 1), pairs), 12, torch.Generator().manual_seed(0))
    counts = Counter(map(tuple, words.tolist()))
    assert len(counts) == catalan
    chi_squared = sum((observed - count / catalan) ** 2 for observed in counts.values()) * catalan / count
    assert chi_squared <= catalan - 1 + 4.5 * math.sqrt(2 * (catalan - 1))


def test_one_exchange_at_the_joint_unbalances_every_word() -> None:
    generator = torch.Generator().manual_seed(0)
    left, right = (dyck_words(torch.randint(1, 16, (5000, 1), generator=generator), 60, generator) for _ in range(2))
    words = join(left, right)
    symbols = {1: "(", -1: ")", 0: ""}
    for parts in zip(left.tolist(), right.tolist(), words.tolist(), strict=True):
        first, second, whole = ("".join(symbols[step] for step in part) for part in parts)
        assert whole == first + second
        assert parts[2] == [0] * (60 - len(whole)) + parts[2][60 - len(whole) :]
    middle = 59 - (right != 0).sum(1, keepdim=True)
    changed = unbalance(words, middle)
    assert (changed != words).sum(1).unique().tolist() == [2]
    assert torch.equal(changed == 0, words == 0)
    assert changed.sum(1).abs().max() == 0
    assert changed.cumsum(1).gather(1, middle).unique().tolist() == [-2]


@pytest.mark.parametrize("last", [1, 2, 5, 20, 39])
def test_the_last_steps_betray_no_more_words_than_stated(last: int) -> None:
    length, pairs = 60, 30
    words = [text for text, target in drawn(Parentheses(4, length), "test", 10_000) if target == 0]
    # A tail with more opening than closing parentheses cannot end a balanced word.
    tails = [[word[-size:] for size in range(1, last + 1)] for word in words]
    betrayed = sum(any(tail.count("(") > tail.count(")") for tail in own) for own in tails) / len(words)
    expected = (last + 1) // 2 / (pairs - 1)
    assert betrayed == pytest.approx(expected, abs=4.5 * math.sqrt(expected * (1 - expected) / len(words)))
