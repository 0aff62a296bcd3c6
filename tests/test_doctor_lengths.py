"""How long a doctor tries a network where nobody says: by its kind, before anything is trained."""

import pytest

from tests.composing import compose
from vgp_bench.doctor.lengths import QUICK, SLOW, is_slow, usual_steps

TRANSFORMER = "architecture=transformer normalizer=layer"


@pytest.mark.parametrize(
    ("words", "slow"),
    [
        ("architecture=mlp", False),
        ("architecture=resnet", False),
        ("architecture=vit", False),
        ("architecture=rnn", True),
        ("architecture=irnn images_as=pixels", True),
        ("architecture=lstm dataset=adding", True),
        ("architecture=gru dataset=copy_memory", True),
        (TRANSFORMER, False),  # rows of an image, all seen at once
        (f"{TRANSFORMER} images_as=pixels", False),
        (f"{TRANSFORMER} dataset=adding", True),
        (f"{TRANSFORMER} dataset=temporal_order", True),
    ],
)
def test_what_has_a_memory_to_learn_gets_more_steps(words: str, slow: bool) -> None:
    composed = compose(*words.split())
    assert is_slow(composed) is slow
    assert usual_steps(composed) == (SLOW if slow else QUICK)


def test_how_it_is_set_up_does_not_decide() -> None:
    """Neither faults nor cures: all networks of a kind are given the same."""
    for words in ("optimizer.lr=1e-8", "initializer=normal_01", "optimizer=adam", "trainer.clip_norm=1"):
        assert not is_slow(compose(words))
        assert is_slow(compose("architecture=rnn", words))
