"""What becomes of the words of a run when some of them are changed."""

import pytest

from vgp_bench.doctor.words import changed, clash


@pytest.mark.parametrize(
    ("words", "overrides", "expected"),
    [
        # an option comes with its own settings: the gain is what was wrong
        ("initializer=lsuv initializer.gain=.1 seed=3", "initializer=he_normal", "seed=3 initializer=he_normal"),
        ("optimizer.lr=5 optimizer.momentum=0", "optimizer=adam", "optimizer=adam"),
        # an architecture keeps what both have: a depth, but no recurrent scale
        (
            "architecture=mlp architecture.depth=9",
            "architecture=residual_mlp",
            "architecture.depth=9 architecture=residual_mlp",
        ),
        (
            "architecture=irnn architecture.hidden=8 architecture.scale=2",
            "architecture=lstm architecture.forget_bias=1",
            "architecture.hidden=8 architecture=lstm architecture.forget_bias=1",
        ),
        # only that key
        (
            "architecture=lstm architecture.forget_bias=-5",
            "architecture.forget_bias=1",
            "architecture=lstm architecture.forget_bias=1",
        ),
        ("trainer.clip_norm=1e-6 seed=8", "trainer.clip_norm=1", "seed=8 trainer.clip_norm=1"),
        ("optimizer.lr=5 optimizer.momentum=0", "optimizer.lr=.1", "optimizer.momentum=0 optimizer.lr=.1"),
        # whatever its form
        (
            "initializer=edited initializer@initializer.base=lsuv +initializer.x=1 ~initializer.y",
            "initializer=lsuv",
            "initializer=lsuv",
        ),
        ("--config-dir my activation=tanh", "activation=relu", "--config-dir my activation=relu"),
    ],
)
def test_what_an_override_contradicts_is_dropped(words: str, overrides: str, expected: str) -> None:
    assert changed(words.split(), overrides.split()) == expected.split()


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("activation=relu", "activation=tanh", True),
        ("optimizer=adam", "optimizer.lr=.1", True),
        ("optimizer.lr=.1", "optimizer=adam", True),
        ("optimizer.lr=.1", "optimizer.weight_decay=0", False),
        ("activation=relu initializer=he_normal", "initializer=orthogonal", True),
        ("activation=relu", "normalizer=batch", False),
        ("trainer.clip_norm=1", "trainer.clip_norm=2", True),
    ],
)
def test_what_cannot_be_set_together(one: str, other: str, expected: bool) -> None:
    assert clash(one.split(), other.split()) is expected
