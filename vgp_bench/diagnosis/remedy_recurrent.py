"""Remedies for the signal along time. A function returns None where its remedy is in place or there is none."""

import math

from vgp_bench.diagnosis.finding import Remedy
from vgp_bench.diagnosis.known import Known


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
