"""Each remedy by itself: whether it applies to what is known of the network, its reason, its words.

A function returns None where its remedy is in place already or does not exist for the network.
"""

import math

from vgp_bench.diagnosis.finding import Remedy
from vgp_bench.diagnosis.known import Known

BOUNDED = ("sigmoid", "hard_sigmoid", "tanh", "softsign")
SIGMOIDS = ("sigmoid", "hard_sigmoid")
_VARIANCE_KEEPING = {**dict.fromkeys((*BOUNDED, "identity"), "xavier_normal"), "selu": "lecun_normal"}
_SKIPS = {"mlp": "residual_mlp", "plain_cnn": "resnet_preact"}
"""Of the same depths and widths, and with nothing but additions on the way around the layers."""
_ATTENTION = ("transformer", "vit")
_GATED = ("lstm", "gru")
RECURRENT = ("rnn", "irnn", *_GATED)

FAR = 30.0
"""A learning rate beyond so many times its standard is a slip, not a choice: good ones lie within a factor of ten."""
HEAVY_DECAY = 0.05
TIGHT_CLIP = 1e-2
MOST_DROPOUT = 0.8


def rectifier(known: Known) -> Remedy | None:
    if not known.chosen("activation", *BOUNDED) or known.choices.get("architecture", "") in _GATED:
        return None
    words = (*known.words("activation=relu"), *known.initialized_by("he_normal"))
    return Remedy("ReLU with He's initialization: its slope is 1 where it is active (He et al. 2015)", words)


def rectifier_for_sigmoid(known: Known) -> Remedy | None:
    """No initialization mends a slope of at most 1/4 (Glorot & Bengio 2010)."""
    return rectifier(known) if known.choices.get("activation") in SIGMOIDS else None


def initializer(known: Known) -> Remedy | None:
    words = known.initialized_by(_best_initializer(known))
    if known.choices and not words:
        return None
    return Remedy("an initialization that keeps the variance from layer to layer (Glorot 2010, He 2015)", words)


def _best_initializer(known: Known) -> str:
    """For attention Glorot's (Huang et al. 2020), for recurrent weights orthogonal ones, else by the activation."""
    architecture = known.choices.get("architecture", "")
    if architecture in _ATTENTION:
        return "xavier_uniform"
    if architecture in RECURRENT:
        return "orthogonal"
    return _VARIANCE_KEEPING.get(known.choices.get("activation", ""), "he_normal")


def odd_initializer(known: Known) -> Remedy | None:
    """The same, where the present one is far from any rule."""
    return initializer(known) if known.choices and known.is_initialized_oddly else None


def skip_connections(known: Known) -> Remedy | None:
    architecture = known.choices.get("architecture", "")
    if known.choices and architecture not in _SKIPS:
        return None
    words = known.words(f"architecture={_SKIPS[architecture]}") if architecture else ()
    if words and known.chosen("normalizer", "none"):
        # Without a normalizer the signal would double at every plain block (De & Smith 2020).
        words = (*words, "architecture.residual=rezero")
    return Remedy("skip connections: a way around every layer (He et al. 2016, Bachlechner et al. 2020)", words)


def residual_scaling(known: Known) -> Remedy | None:
    if known.setting("architecture", "residual") != "plain" or not known.chosen("normalizer", "none"):
        return None
    return Remedy(
        "branches that start at 0: every block begins as the identity (Bachlechner et al. 2020)",
        ("architecture.residual=rezero",),
    )


def normalizer(known: Known) -> Remedy | None:
    architecture = known.choices.get("architecture", "")
    if not known.chosen("normalizer", "none") or architecture in RECURRENT:
        return None
    best = "layer" if architecture in _ATTENTION else "batch"
    return Remedy(
        f"{best} normalization: every layer's signal at size 1 (Ioffe 2015, Ba 2016)",
        known.words(f"normalizer={best}"),
    )


def norm_first(known: Known) -> Remedy | None:
    if known.setting("architecture", "norm") != "post":
        return None
    return Remedy("normalization before each branch not after it (Xiong et al. 2020)", ("architecture.norm=pre",))


def gates(known: Known) -> Remedy | None:
    if not known.chosen("architecture", "rnn", "irnn"):
        return None
    words = known.words("architecture=lstm")
    return Remedy(
        "an LSTM whose forget gate starts open (Hochreiter 1997, Gers 2000)",
        (*words, _open(known)) if words else (),
    )


def open_gate(known: Known) -> Remedy | None:
    if not known.chosen("architecture", "lstm") or known.number("architecture", "forget_bias") > 0:
        return None
    words = (_open(known),) if known.choices else ()
    return Remedy("a forget gate that starts open (Gers et al. 2000, Tallec & Ollivier 2018)", words)


def _open(known: Known) -> str:
    """As open as the sequences ask for: a cell forgets within 1 / (1 - f) steps, which is T for a bias of ln(T - 1)
    (Tallec & Ollivier 2018, equation 16)."""
    return f"architecture.forget_bias={max(1.0, math.log(max(known.time_steps - 1, 1))):.2g}"


def identity_recurrence(known: Known) -> Remedy | None:
    if not known.chosen("architecture", "rnn"):
        return None
    words = (*known.words("architecture=irnn"), *known.words("activation=relu"))
    if words and not known.setting("trainer", "clip_norm"):
        words = (*words, "trainer.clip_norm=1")
    return Remedy("ReLU and recurrent weights that start as the identity, clipped (Le et al. 2015)", words)


def recurrent_scale(known: Known) -> Remedy | None:
    scale = known.number("architecture", "scale")
    if math.isnan(scale) or 0.9 < scale < 1.1:
        return None
    return Remedy("recurrent weights that start as the identity itself (Le et al. 2015)", ("architecture.scale=1",))


def orthogonal(known: Known) -> Remedy | None:
    words = known.initialized_by("orthogonal")
    if known.choices and not words:
        return None
    return Remedy("orthogonal weights: no direction shrinks or grows at the start (Saxe et al. 2014)", words)


def clip(known: Known) -> Remedy | None:
    if known.setting("trainer", "clip_norm"):
        return None
    words = ("trainer.clip_norm=1",) if known.choices else ()
    return Remedy("gradients clipped to norm 1 (Pascanu et al. 2013)", words)


def looser_clip(known: Known) -> Remedy | None:
    if not known.number("trainer", "clip_norm") < TIGHT_CLIP:
        return None
    return Remedy("gradients clipped to norm 1, not to nearly nothing (Pascanu et al. 2013)", ("trainer.clip_norm=1",))


def leaky(known: Known) -> Remedy | None:
    if not known.chosen("activation", "relu") or known.choices.get("architecture", "") in _GATED:
        return None
    return Remedy("leaky ReLU: no unit is without a gradient (Maas et al. 2013)", known.words("activation=leaky_relu"))


def adam(known: Known) -> Remedy | None:
    if known.chosen("optimizer", "adam", "adamw", "nadam"):
        return None
    return Remedy("Adam: steps of one size, however small the gradient (Kingma & Ba 2015)", ("optimizer=adam",))


def no_decay(known: Known) -> Remedy | None:
    if not known.number("optimizer", "weight_decay") > HEAVY_DECAY:
        return None
    return Remedy("no weight decay: it outweighs the gradient", ("optimizer.weight_decay=0",))


def no_dropout(known: Known) -> Remedy | None:
    if not known.number("architecture", "dropout") > MOST_DROPOUT:
        return None
    return Remedy("no dropout: hardly anything passes through it", ("architecture.dropout=0",))


def constant_rate(known: Known) -> Remedy | None:
    if not known.choices or known.chosen("schedule", "constant"):
        return None
    return Remedy("a learning rate that stays as it is", ("schedule=constant",))


def data(known: Known) -> Remedy | None:
    return Remedy("a look at the data: can the answer be told from the input, and is the input of size 1?")
