"""Remedies for the signal along depth: whether each applies to what is known of the network, its reason, its words.

A function returns None where its remedy is in place already or does not exist for the network.
"""

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


def initializer_against_vanishing(known: Known) -> Remedy | None:
    """None for a sigmoid: where its signal has settled, Xavier's weights leave sqrt(E phi'(z)^2) = .236 of the gradient
    at every layer (Schoenholz et al. 2017, equation 9)."""
    return None if known.choices.get("activation") in SIGMOIDS else initializer(known)


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


def leaky(known: Known) -> Remedy | None:
    if not known.chosen("activation", "relu") or known.choices.get("architecture", "") in _GATED:
        return None
    return Remedy("leaky ReLU: no unit is without a gradient (Maas et al. 2013)", known.words("activation=leaky_relu"))


def no_dropout(known: Known) -> Remedy | None:
    if not known.number("architecture", "dropout") > MOST_DROPOUT:
        return None
    return Remedy("no dropout: hardly anything passes through it", ("architecture.dropout=0",))


def data(known: Known) -> Remedy | None:
    return Remedy("a look at the data: can the answer be told from the input, and is the input of size 1?")
