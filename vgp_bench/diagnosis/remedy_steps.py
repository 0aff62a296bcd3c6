"""Remedies for the steps, but for their rate. A function returns None where its remedy is in place already."""

from vgp_bench.diagnosis.finding import Remedy
from vgp_bench.diagnosis.known import STANDARD_RATES, Known
from vgp_bench.diagnosis.remedy_rates import is_out_of_range, rate_word

HEAVY_DECAY = 0.05
TIGHT_CLIP = 1e-2


def clip(known: Known) -> Remedy | None:
    if known.setting("trainer", "clip_norm"):
        return None
    words = ("trainer.clip_norm=1",) if known.choices else ()
    return Remedy("gradients clipped to norm 1 (Pascanu et al. 2013)", words)


def looser_clip(known: Known) -> Remedy | None:
    if not known.number("trainer", "clip_norm") < TIGHT_CLIP:
        return None
    return Remedy("gradients clipped to norm 1, not to nearly nothing (Pascanu et al. 2013)", ("trainer.clip_norm=1",))


def adam(known: Known) -> Remedy | None:
    if known.chosen("optimizer", "adam", "adamw", "nadam"):
        return None
    words = ("optimizer=adam", *rate_word(STANDARD_RATES["adam"]))  # a rate of SGD would be far too high for it
    return Remedy("Adam: steps of one size, however small the gradient (Kingma & Ba 2015)", words)


def adam_for_small_gradients(known: Known) -> Remedy | None:
    """Where no rate that anyone sets makes steps of the present optimizer large enough."""
    return adam(known) if is_out_of_range(known) else None


def optimizer(known: Known) -> Remedy | None:
    if known.update_ratio != 0:
        return None
    return Remedy("a look at the optimizer: no weight moves, gradient or not; does it hold them, at a rate above 0?")


def no_decay(known: Known) -> Remedy | None:
    if not known.number("optimizer", "weight_decay") > HEAVY_DECAY:
        return None
    return Remedy("no weight decay: it outweighs the gradient", ("optimizer.weight_decay=0",))


def constant_rate(known: Known) -> Remedy | None:
    if not known.choices or known.chosen("schedule", "constant"):
        return None
    return Remedy("a learning rate that stays as it is", ("schedule=constant",))
