"""Each task's targets a second time, slowly, from what a reader of the sequence sees."""

import math

import pytest
import torch

from tests.sequence_tasks import decoded
from vgp_bench.data import adding, copy_memory, parentheses, temporal_order, two_sequence
from vgp_bench.data.adding import Adding
from vgp_bench.data.copy_memory import CopyMemory
from vgp_bench.data.sequences import Batch, SequenceTask
from vgp_bench.data.temporal_order import TemporalOrder
from vgp_bench.data.two_sequence import TwoSequence, Variant
from vgp_bench.errors import ConfigError


def drawn(task: SequenceTask, count: int = 500) -> Batch:
    return task.sample(count, "train", torch.Generator().manual_seed(3))


@pytest.mark.parametrize("length", [2, 3, 40])
def test_adding(length: int) -> None:
    inputs, targets = drawn(Adding(length))
    seen = set()
    for sequence, target in zip(inputs.tolist(), targets.tolist(), strict=True):
        assert all(0 <= value < 1 and mark in (0, 1) for value, mark in sequence)
        first, second = [step for step, (_, mark) in enumerate(sequence) if mark]
        assert first < length // 2 <= second
        assert target == pytest.approx(sequence[first][0] + sequence[second][0], abs=1e-6)
        seen |= {first, second}
    assert seen == set(range(length))


@pytest.mark.parametrize("delay", [1, 2, 30])
def test_copy_memory(delay: int) -> None:
    inputs, targets = drawn(CopyMemory(delay))
    seen = set()
    for read, said in zip(decoded(inputs, "01234567_|"), targets.tolist(), strict=True):
        copied, blanks, end = read[:10], read[10 : 10 + delay - 1], read[10 + delay - 1 :]
        assert set(copied) <= set("01234567")
        assert blanks == "_" * (delay - 1)
        assert end == "|" + "_" * 10
        assert said == [8] * (delay + 10) + [int(symbol) for symbol in copied]
        seen |= set(enumerate(copied))
    assert len(seen) == 10 * 8


ORDERS = {
    2: ["XX", "XY", "YX", "YY"],
    3: ["XXX", "XXY", "XYX", "XYY", "YXX", "YXY", "YYX", "YYY"],
}


@pytest.mark.parametrize("length", [10, 57, 100])
@pytest.mark.parametrize("relevant", [2, 3])
def test_temporal_order(relevant: int, length: int) -> None:
    inputs, targets = drawn(TemporalOrder(length, relevant))
    distractors = set()
    for text, target in zip(decoded(inputs, "EBabcdXY"), targets.tolist(), strict=True):
        assert text[0] == "E"
        assert text[-1] == "B"
        assert "".join(symbol for symbol in text if symbol in "XY") == ORDERS[relevant][target]
        distractors |= set(text[1:-1]) - set("XY")
    assert distractors == set("abcd")
    assert set(targets.tolist()) == set(range(2**relevant))


@pytest.mark.parametrize(("relevant", "ranges"), [(2, [(10, 20), (50, 60)]), (3, [(10, 20), (33, 43), (66, 76)])])
def test_at_100_steps_x_and_y_are_where_the_paper_has_them(relevant: int, ranges: list[tuple[int, int]]) -> None:
    inputs, _ = drawn(TemporalOrder(100, relevant))
    found = [[step for step, symbol in enumerate(text) if symbol in "XY"] for text in decoded(inputs, "EBabcdXY")]
    for place, (first, last) in zip(zip(*found, strict=True), ranges, strict=True):
        assert set(place) == set(range(first, last + 1))


@pytest.mark.parametrize("relevant", [2, 3])
def test_ranges_of_x_and_y_never_overlap(relevant: int) -> None:
    for length in range(10, 1000):
        steps = [step for bounds in TemporalOrder(length, relevant).ranges for step in bounds]
        assert all(last < first for last, first in zip(steps[1::2], steps[2::2], strict=False))
        assert steps[0] > 0
        assert steps[-1] < length - 1


@pytest.mark.parametrize("informative", [1, 3, 9])
def test_two_sequence_3a(informative: int) -> None:
    inputs, targets = drawn(TwoSequence(10, informative))
    for sequence, target in zip(inputs.squeeze(2).tolist(), targets.tolist(), strict=True):
        assert sequence[:informative] == [1.0 if target == 1 else -1.0] * informative
    assert set(targets.tolist()) == {0, 1}


@pytest.mark.parametrize("variant", ["3a", "3b"])
def test_noise_has_mean_0_and_variance_a_fifth(variant: Variant) -> None:
    count, informative = 20_000, 3
    inputs, targets = drawn(TwoSequence(6, informative, variant), count)
    elements = inputs.squeeze(2)
    elements[:, :informative] -= (2 * targets - 1).unsqueeze(1)
    for step, noise in enumerate(elements.T):
        variance = 0.0 if variant == "3a" and step < informative else 0.2
        assert noise.mean() == pytest.approx(0, abs=4.5 * math.sqrt(variance / count))
        assert noise.var() == pytest.approx(variance, abs=4.5 * variance * math.sqrt(2 / count))


@pytest.mark.parametrize("informative", [1, 2])
def test_3b_can_be_solved_as_far_as_the_formula_says(informative: int) -> None:
    count = 20_000
    inputs, targets = drawn(TwoSequence(10, informative, "3b"), count)
    best = (inputs[:, :informative, 0].sum(1) > 0) == (targets == 1)
    expected = 0.5 * math.erfc(-math.sqrt(informative / 0.2 / 2))
    assert best.float().mean() == pytest.approx(expected, abs=4.5 * math.sqrt(expected * (1 - expected) / count))


@pytest.mark.parametrize(
    ("load", "keys", "message"),
    [
        (adding.load, {"length": 1}, r"dataset\.length=1: .* use 2 or more"),
        (copy_memory.load, {"delay": 0}, r"dataset\.delay=0: .* use 1 or more"),
        (temporal_order.load, {"length": 9}, r"dataset\.length=9: .* use 10 or more"),
        (temporal_order.load, {"relevant": 4}, r"dataset\.relevant=4: use 2 .* or 3"),
        (two_sequence.load, {"length": 1}, r"dataset\.length=1: .* use 2 or more"),
        (two_sequence.load, {"informative": 0}, r"dataset\.informative=0: .* use 1 to 99"),
        (two_sequence.load, {"length": 5, "informative": 5}, r"dataset\.informative=5: .* use 1 to 4"),
        (two_sequence.load, {"variant": "3c"}, r"dataset\.variant=3c: use 3a or 3b"),
        (parentheses.load, {"train_length": 21}, r"dataset\.train_length=21: .* use 20 or 22"),
        (parentheses.load, {"train_length": 2}, r"dataset\.train_length=2: .* use 4 or more"),
        (parentheses.load, {"test_length": 5}, r"dataset\.test_length=5: .* use 4 or 6"),
    ],
)
def test_impossible_keys_are_refused_in_one_line(load, keys: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        load(".", **keys)
    assert "\n" not in str(raised.value)
