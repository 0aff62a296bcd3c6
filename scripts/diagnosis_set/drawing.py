"""Configurations drawn at random: nobody chose them, so no rule can have been set on them. A new seed is a new set."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from diagnosis_set.cases import COMMON, Labelled

Chance = np.random.Generator
Values = Callable[[Chance], object]

WILD = 0.5
"""Chance that an option leaves its usual range: about half of the networks are to be broken."""
STEPS = 100


@dataclass(frozen=True)
class Family:
    """words: of every network; drawn: key -> how its value is drawn; cured: what replaces them in the network that a
    drawn one is compared with, which has the same size and data."""

    words: Mapping[str, str]
    drawn: Mapping[str, Values]
    cured: Mapping[str, str]


def draw(seed: int, count: int) -> list[tuple[Labelled, Labelled]]:
    """Networks with the same one cured, without labels: see drawn_labels.py. The first ones do not depend on count."""
    return [_pair(seed, number) for number in range(count)]


def _pair(seed: int, number: int) -> tuple[Labelled, Labelled]:
    chance = np.random.default_rng([seed, number])
    name = sorted(FAMILIES)[number % len(FAMILIES)]
    family = FAMILIES[name]
    drawn = dict(family.words) | {key: str(values(chance)) for key, values in family.drawn.items()}
    case = f"random-{seed}/{name}-{number}"
    return _case(case, name, drawn), _case(f"{case}-cured", name, drawn | dict(family.cured))


def _case(case: str, family: str, options: Mapping[str, str]) -> Labelled:
    options = dict(word.split("=", 1) for word in COMMON[2:]) | TRAINING | dict(options)
    # The rate is drawn as a multiple of what is usual for the optimizer that was drawn.
    options["optimizer.lr"] = f"{float(options['optimizer.lr']) * RATES[options['optimizer']]:.3g}"
    words = tuple(f"{key}={value}" for key, value in options.items())
    data = options.get("dataset", "digits")
    return Labelled(case, family, data, "healthy", (*COMMON[:2], *words), "healthy", origin="random")


def _one_of(*values: object) -> Values:
    return lambda chance: values[chance.integers(len(values))]


def _whole(low: int, high: int) -> Values:
    """Whole numbers, as many below the geometric middle as above."""
    return lambda chance: round(float(np.exp(chance.uniform(np.log(low), np.log(high)))))


def _wild(usual: Values, wild: Values) -> Values:
    return lambda chance: (wild if chance.random() < WILD else usual)(chance)


def _power(low: float, high: float) -> Values:
    """10^x, x uniform."""
    return lambda chance: f"{10 ** chance.uniform(low, high):.3g}"


def _uniform(low: float, high: float) -> Values:
    return lambda chance: f"{chance.uniform(low, high):.3g}"


RATES = {"sgd": 0.05, "adam": 0.003, "rmsprop": 0.001, "adagrad": 0.02, "nadam": 0.003}
TRAINING = {"trainer.max_steps": str(STEPS), "trainer.batch_size": "32", "monitor.probe_images": "128"}
_OPTIMIZER: dict[str, Values] = {
    "optimizer": _one_of(*RATES),
    "optimizer.lr": _wild(_power(-0.5, 0.5), _power(-6, 3)),
}
_ACTIVATIONS = _one_of("relu", "tanh", "sigmoid", "elu", "gelu", "softsign", "silu", "leaky_relu")
_INITIALIZER: dict[str, Values] = {
    "initializer": _one_of("he_normal", "xavier_uniform", "lecun_normal", "orthogonal"),
    "initializer.gain": _wild(_power(0, 0.15), _power(-1.3, 1)),
    "initializer.bias_mean": _wild(_one_of(0.0), _uniform(-6, 3)),
}
_FEED_FORWARD: dict[str, Values] = {
    "activation": _ACTIVATIONS,
    **_INITIALIZER,
    "normalizer": _one_of("none", "none", "none", "batch"),
    **_OPTIMIZER,
}
_ADAM = {"optimizer": "adam", "optimizer.lr": "1"}
_HE = {"initializer": "he_normal", "initializer.gain": "1.41421356", "initializer.bias_mean": "0.0"}
_CURED = {"activation": "relu", **_HE, "normalizer": "batch", **_ADAM}
_RECURRENT: dict[str, Values] = {
    "architecture.hidden": _whole(8, 32),
    "architecture.layers": _one_of(1, 1, 2),
    "architecture.bidirectional": _one_of("false", "false", "true"),
    "dataset.length": _wild(_whole(8, 16), _whole(16, 80)),
    **_INITIALIZER,
    **_OPTIMIZER,
}
_SEQUENCES = {"dataset": "two_sequence"}
_OPEN = {"architecture": "lstm", "architecture.forget_bias": "3.0", **_HE, "initializer.gain": "1.0", **_ADAM}

FAMILIES = {
    "mlp": Family(
        {"architecture": "mlp"},
        {"architecture.depth": _whole(2, 40), "architecture.width": _whole(6, 64), **_FEED_FORWARD},
        _CURED,
    ),
    "cnn": Family(
        {"architecture": "plain_cnn"},
        {"architecture.depth": _one_of(8, 8, 14, 20), "architecture.width": _whole(3, 6), **_FEED_FORWARD},
        _CURED,
    ),
    "resnet": Family(
        {"architecture": "resnet"},
        {"architecture.depth": _one_of(8, 14, 20), "architecture.width": _whole(2, 5), **_FEED_FORWARD},
        _CURED,
    ),
    "densenet": Family(
        {"architecture": "densenet"},
        {"architecture.depth": _one_of(7, 10, 13), "architecture.growth": _whole(2, 5), **_FEED_FORWARD},
        _CURED,
    ),
    "rnn": Family({"architecture": "rnn", **_SEQUENCES}, {"activation": _one_of("tanh", "relu"), **_RECURRENT}, _OPEN),
    "lstm": Family({"architecture": "lstm", **_SEQUENCES}, _RECURRENT, _OPEN),
    "gru": Family({"architecture": "gru", **_SEQUENCES}, _RECURRENT, _OPEN),
    "transformer": Family(
        {"architecture": "transformer", "architecture.width": "16", "architecture.heads": "2", "images_as": "rows"},
        {
            "architecture.blocks": _whole(1, 10),
            "architecture.norm": _one_of("pre", "post"),
            "activation": _one_of("relu", "gelu", "silu"),
            "normalizer": _one_of("layer", "layer", "none"),
            **_INITIALIZER,
            **_OPTIMIZER,
        },
        {**_CURED, "architecture.norm": "pre", "normalizer": "layer", "initializer.gain": "1.0"},
    ),
}
