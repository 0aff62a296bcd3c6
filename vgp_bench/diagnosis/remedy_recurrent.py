"""Remedies for the signal along time. A function returns None where its remedy is in place or there is none."""

import math

from vgp_bench.diagnosis.finding import Remedy
from vgp_bench.diagnosis.known import Known
from vgp_bench.diagnosis.remedy_options import RECURRENT
from vgp_bench.diagnosis.remedy_steps import adam, clip


def gates(known: Known) -> Remedy | None:
    if not known.chosen("architecture", "rnn", "irnn"):
        return None
    words = known.words("architecture=lstm")
    return Remedy(
        "an LSTM whose forget gate starts open (Hochreiter 1997, Gers 2000)",
        (*words, *_open(known)) if words else (),
    )


def gates_with_adam(known: Known) -> Remedy | None:
    """Both at once where the steps are those of SGD: its rate was chosen for a network with next to no gradient from
    the past, not for gates. None for a foreign network, of which the optimizer is not known."""
    lstm, steps = gates(known), adam(known)
    if not known.chosen("optimizer", "sgd") or lstm is None or steps is None:
        return None
    words = (*lstm.overrides, *steps.overrides)
    return Remedy(
        "an open LSTM (Gers 2000) and Adam, whose steps do not depend on the gradient's size (Kingma & Ba 2015)", words
    )


def open_gate(known: Known) -> Remedy | None:
    if not known.chosen("architecture", "lstm") or known.number("architecture", "forget_bias") > 0:
        return None
    if known.setting("architecture", "chrono") or known.setting("architecture", "forget_gate") is False:
        return None
    words = _open(known) if known.choices else ()
    return Remedy("a forget gate that starts open (Gers et al. 2000, Tallec & Ollivier 2018)", words)


def _open(known: Known) -> tuple[str, ...]:
    """As open as the sequences ask for: a cell with a bias of ln(T - 1) forgets within T steps (Tallec & Ollivier 2018,
    equation 16), so chrono's biases are spread up to that one; and its input gates are as far closed, without which
    a cell that forgets nothing would add up everything it reads. Below 4 steps all of them would be under 1, which is
    what Jozefowicz et al. 2015 give any LSTM."""
    if known.time_steps < 4:
        return ("architecture.forget_bias=1",)
    # Both at once are refused: they set the same bias.
    unset = ("architecture.forget_bias=null",) if known.setting("architecture", "forget_bias") is not None else ()
    return (*unset, f"architecture.chrono={known.time_steps}")


def identity_recurrence(known: Known) -> Remedy | None:
    if not known.chosen("architecture", "rnn"):
        return None
    words = (*known.words("architecture=irnn"), *known.words("activation=relu"))
    if words:
        words = (*words, *_clipped(known))
    return Remedy("ReLU and recurrent weights that start as the identity, clipped (Le et al. 2015)", words)


def recurrent_scale(known: Known) -> Remedy | None:
    scale = known.number("architecture", "scale")
    if math.isnan(scale) or 0.9 < scale < 1.1:
        return None
    # Without clipping the identity does not hold: a step past it, and a ReLU grows with every step of the sequence.
    words = ("architecture.scale=1", *_clipped(known))
    return Remedy("recurrent weights that start as the identity itself, clipped (Le et al. 2015)", words)


def _clipped(known: Known) -> tuple[str, ...]:
    return () if known.setting("trainer", "clip_norm") else ("trainer.clip_norm=1",)


def orthogonal(known: Known) -> Remedy | None:
    """None for an IRNN: its recurrent weights are set after the initializer, and the identity is orthogonal."""
    if known.choices.get("architecture") == "irnn":
        return None
    words = known.initialized_by("orthogonal")
    if known.choices and not words:
        return None
    return Remedy("orthogonal weights: no direction shrinks or grows at the start (Saxe et al. 2014)", words)


def orthogonal_clipped(known: Known) -> Remedy | None:
    """Against an explosion: weights that neither shrink nor grow do so at the start only, and the first steps may leave
    them (the cliffs of Pascanu et al. 2013)."""
    start = orthogonal(known)
    if start is None or not start.overrides:
        return start
    words = (*start.overrides, *_clipped(known))
    return Remedy("orthogonal weights (Saxe et al. 2014), and steps that stay near them (Pascanu et al. 2013)", words)


def clip_over_time(known: Known) -> Remedy | None:
    """For recurrent networks alone: their spikes are steps over a cliff, after which the rate was right before it and
    is right after it (Pascanu et al. 2013)."""
    return clip(known) if known.choices.get("architecture") in RECURRENT else None
