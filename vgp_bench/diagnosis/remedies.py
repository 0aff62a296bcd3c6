"""What to change for each verdict, the most promising first; for a composed run also the words for its command line.

Promising by the papers named, not by a measurement on this network: that is what `vgp-bench doctor` does with the same
list.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vgp_bench.diagnosis.finding import Remedy, Symptom, Verdict


@dataclass(frozen=True)
class Known:
    """What is known of the network: the option of each group and the resolved config; both empty of a foreign one."""

    choices: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)

    def chosen(self, group: str, *options: str) -> bool:
        """Whether one of these options is set, as far as anybody knows."""
        return group not in self.choices or self.choices[group] in options

    def words(self, *words: str) -> tuple[str, ...]:
        """Those words that change something; none for a foreign network."""
        return tuple(word for word in words if not self._says(word)) if self.choices else ()

    def _says(self, word: str) -> bool:
        key, _, value = word.partition("=")
        return self.choices.get(key) == value

    def scaled_rate(self, factor: float) -> tuple[str, ...]:
        """The learning rate times a factor, as a word."""
        rate = (self.config.get("optimizer") or {}).get("lr")
        return (f"optimizer.lr={rate * factor:.3g}",) if isinstance(rate, int | float) else ()


Option = Callable[[Known], Remedy | None]

_BOUNDED = ("sigmoid", "hard_sigmoid", "tanh", "softsign")
_VARIANCE_KEEPING = {
    "tanh": "xavier_normal",
    "sigmoid": "xavier_normal",
    "hard_sigmoid": "xavier_normal",
    "softsign": "xavier_normal",
    "identity": "xavier_normal",
    "selu": "lecun_normal",
}
_SKIPS = {"mlp": "residual_mlp", "plain_cnn": "resnet", "vgg": "resnet"}
_SEQUENCES = ("rnn", "irnn", "lstm", "gru", "transformer", "vit")


def remedies_for(verdict: Verdict, cause: Symptom | None, known: Known) -> tuple[Remedy, ...]:
    """The remedies that apply; none for a healthy run."""
    axis = cause.axis if cause is not None else ""
    options = _OPTIONS.get((verdict, axis)) or _OPTIONS.get((verdict, ""), ())
    if verdict == "dead units" and cause is not None and cause.onset == 0:
        options = _DEAD_FROM_THE_START
    if verdict == "exploding" and axis == "depth" and cause is not None and cause.onset > 0:
        options = _OPTIONS["exploding", ""]
    found = [remedy for option in options if (remedy := option(known)) is not None]
    return tuple(dict.fromkeys(found))


def _rectifier(known: Known) -> Remedy | None:
    if not known.chosen("activation", *_BOUNDED) or not _has_layers(known):
        return None
    words = known.words("activation=relu", "initializer=he_normal")
    return Remedy("ReLU with He's initialization: its slope is 1 where it is active (He et al. 2015)", words)


def _initializer(known: Known) -> Remedy | None:
    best = _VARIANCE_KEEPING.get(known.choices.get("activation", ""), "he_normal")
    words = known.words(f"initializer={best}")
    if known.choices and not words:
        return None
    return Remedy("an initialization that keeps the variance from layer to layer (Glorot 2010, He 2015)", words)


def _skip_connections(known: Known) -> Remedy | None:
    architecture = known.choices.get("architecture", "")
    if known.choices and architecture not in _SKIPS:
        return None
    words = known.words(f"architecture={_SKIPS[architecture]}") if architecture else ()
    return Remedy("skip connections: a way around every layer (He et al. 2016)", words)


def _normalizer(known: Known) -> Remedy | None:
    architecture = known.choices.get("architecture", "")
    if not known.chosen("normalizer", "none") or architecture in ("rnn", "irnn", "lstm", "gru"):
        return None
    best = "layer" if architecture in _SEQUENCES else "batch"
    return Remedy(
        f"{best} normalization: every layer's signal at size 1 (Ioffe 2015, Ba 2016)",
        known.words(f"normalizer={best}"),
    )


def _norm_first(known: Known) -> Remedy | None:
    if (known.config.get("architecture") or {}).get("norm") != "post":
        return None
    return Remedy("normalization before each branch not after it (Xiong et al. 2020)", ("architecture.norm=pre",))


def _gates(known: Known) -> Remedy | None:
    if not known.chosen("architecture", "rnn", "irnn"):
        return None
    words = known.words("architecture=lstm")
    return Remedy(
        "an LSTM whose forget gate starts open (Hochreiter 1997, Gers 2000)",
        (*words, "architecture.forget_bias=1") if words else (),
    )


def _open_gate(known: Known) -> Remedy | None:
    if not known.chosen("architecture", "lstm") or (known.config.get("architecture") or {}).get("forget_bias"):
        return None
    words = ("architecture.forget_bias=1",) if known.choices else ()
    return Remedy("a forget gate that starts open (Gers et al. 2000, Jozefowicz et al. 2015)", words)


def _orthogonal(known: Known) -> Remedy | None:
    words = known.words("initializer=orthogonal")
    if known.choices and not words:
        return None
    return Remedy("orthogonal weights: no direction shrinks or grows at the start (Saxe et al. 2014)", words)


def _clip(known: Known) -> Remedy | None:
    if (known.config.get("trainer") or {}).get("clip_norm"):
        return None
    words = ("trainer.clip_norm=1",) if known.choices else ()
    return Remedy("gradients clipped to norm 1 (Pascanu et al. 2013)", words)


def _leaky(known: Known) -> Remedy | None:
    if not known.chosen("activation", "relu"):
        return None
    return Remedy("leaky ReLU: no unit is without a gradient (Maas et al. 2013)", known.words("activation=leaky_relu"))


def _lower_rate(known: Known) -> Remedy | None:
    return Remedy("a tenth of the learning rate", known.scaled_rate(0.1))


def _much_higher_rate(known: Known) -> Remedy | None:
    return Remedy("a much higher learning rate: updates near 1e-3 of the weights", known.scaled_rate(1000.0))


def _higher_rate(known: Known) -> Remedy | None:
    return Remedy("ten times the learning rate", known.scaled_rate(10.0))


def _data(known: Known) -> Remedy | None:
    return Remedy("a look at the data: can the answer be told from the input, and is the input of size 1?")


def _has_layers(known: Known) -> bool:
    return known.choices.get("architecture", "") not in ("lstm", "gru")


_DEPTH = (_rectifier, _initializer, _skip_connections, _normalizer, _norm_first)
_DEAD_FROM_THE_START = (_initializer, _leaky, _normalizer, _lower_rate)

_OPTIONS: dict[tuple[Verdict, str], Sequence[Option]] = {
    ("vanishing", "depth"): _DEPTH,
    ("vanishing", "time"): (_gates, _open_gate, _orthogonal),
    ("exploding", "depth"): (_initializer, _normalizer, _lower_rate, _clip),
    ("exploding", "time"): (_clip, _gates, _orthogonal, _lower_rate),
    ("exploding", ""): (_lower_rate, _clip, _normalizer, _initializer),
    ("dead units", ""): (_lower_rate, _leaky, _normalizer, _clip),
    ("saturated", ""): (_initializer, _rectifier, _normalizer, _lower_rate, _data),
    ("collapsed", ""): (_normalizer, _skip_connections, _initializer, _rectifier, _data),
    ("symmetric", ""): (_initializer, _orthogonal),
    ("update too small", ""): (_much_higher_rate, _higher_rate),
    ("unstable", ""): (_lower_rate, _clip, _normalizer),
    ("plateau", ""): (_higher_rate, _lower_rate, _normalizer, _data),
    ("diverged", ""): (_lower_rate, _clip, _normalizer),
}
