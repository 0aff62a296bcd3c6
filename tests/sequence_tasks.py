"""Help for tests: every sequence task in a small form, and what its inputs say in words."""

from torch import Tensor

from vgp_bench.data.adding import Adding
from vgp_bench.data.copy_memory import CopyMemory
from vgp_bench.data.parentheses import Parentheses
from vgp_bench.data.sequences import SequenceTask
from vgp_bench.data.temporal_order import TemporalOrder
from vgp_bench.data.two_sequence import TwoSequence

TASKS: dict[str, SequenceTask] = {
    "adding": Adding(length=31),
    "copy_memory": CopyMemory(delay=12),
    "temporal_order 6a": TemporalOrder(length=50),
    "temporal_order 6b": TemporalOrder(length=57, relevant=3),
    "two_sequence 3a": TwoSequence(length=25),
    "two_sequence 3b": TwoSequence(length=25, informative=1, variant="3b"),
    "parentheses": Parentheses(train_length=40, test_length=60),
}


def decoded(inputs: Tensor, alphabet: str) -> list[str]:
    """One-hot (n, length, len(alphabet)) as n texts; fails where a step is not exactly one symbol."""
    assert inputs.shape[2] == len(alphabet)
    texts = []
    for sequence in inputs.tolist():
        assert all(sorted(step) == [0.0] * (len(alphabet) - 1) + [1.0] for step in sequence)
        texts.append("".join(alphabet[step.index(1.0)] for step in sequence))
    return texts
