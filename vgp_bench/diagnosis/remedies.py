"""What to change for each verdict, the most promising first; for a composed run also the words for its command line.

Promising by the papers named, not by a measurement on this network: that is what `vgp-bench doctor` does with the same
list. Two principles: a setting that outweighs all others (a rate, a decay, dropout far from where they are usual) goes
back first; then the remedies that depend least on the other settings.
"""

from collections.abc import Callable, Sequence

from vgp_bench.diagnosis import remedy_options as o
from vgp_bench.diagnosis import remedy_rates as rates
from vgp_bench.diagnosis.finding import Remedy, Symptom, Verdict
from vgp_bench.diagnosis.known import Known

Option = Callable[[Known], Remedy | None]


def remedies_for(verdict: Verdict, cause: Symptom | None, known: Known) -> tuple[Remedy, ...]:
    """The remedies that apply; none for a healthy run."""
    options = _options(verdict, cause)
    found = [remedy for option in options if (remedy := option(known)) is not None]
    if verdict == "update too small" and cause is not None and o.looser_clip(known) is None:
        at = sum(option(known) is not None for option in _STEPS_KEPT_SMALL)
        found.insert(at, *filter(None, [rates.rate_for_steps(known, cause.evidence.value)]))
    return _once(found)


def general_remedies(known: Known) -> tuple[Remedy, ...]:
    """Every other single change with a reason to try it on a network that does not train, whatever its verdict."""
    return _once([remedy for option in _GENERAL if (remedy := option(known)) is not None and remedy.overrides])


def _options(verdict: Verdict, cause: Symptom | None) -> Sequence[Option]:
    axis = cause.axis if cause is not None else ""
    late = cause is not None and cause.onset > 0
    if verdict == "exploding" and axis == "depth" and late:
        axis = ""
    options = _OPTIONS.get((verdict, axis)) or _OPTIONS.get((verdict, ""), ())
    if verdict == "dead units" and cause is not None and not late:
        options = _DEAD_FROM_THE_START
    return options


def _once(found: Sequence[Remedy]) -> tuple[Remedy, ...]:
    """Each once, by its words where it has some."""
    once: dict[tuple[str, ...] | str, Remedy] = {}
    for remedy in found:
        once.setdefault(remedy.overrides or remedy.words, remedy)
    return tuple(once.values())


_SLIPS = (rates.usual_rate, o.no_decay, o.no_dropout)
"""Settings that outweigh everything else: back to where they are usual, whatever the verdict."""
_STEPS_KEPT_SMALL = (o.looser_clip, o.constant_rate, rates.usual_rate_from_below)
_DEAD_FROM_THE_START = (o.odd_initializer, *_SLIPS, o.normalizer, o.initializer, o.leaky, rates.lower_rate)

_OPTIONS: dict[tuple[Verdict, str], Sequence[Option]] = {
    # Whoever chose the rate of a network without a signal never saw it learn, so first comes what bears a high one: a
    # way around each layer, which is there at any depth, activation and initialization; a normalizer, which holds the
    # scale whatever the weights do.
    ("vanishing", "depth"): (
        *_SLIPS,
        o.skip_connections,
        o.normalizer,
        o.rectifier,
        o.initializer,
        o.norm_first,
        o.residual_scaling,
        o.adam,
    ),
    ("collapsed", ""): (*_SLIPS, o.skip_connections, o.normalizer, o.rectifier, o.initializer, o.data),
    ("exploding", "depth"): (*_SLIPS, o.normalizer, o.residual_scaling, o.initializer, rates.lower_rate, o.clip),
    ("exploding", ""): (*_SLIPS, rates.lower_rate, o.clip, o.residual_scaling, o.normalizer, o.initializer),
    ("vanishing", "time"): (*_SLIPS, o.recurrent_scale, o.open_gate, o.gates, o.identity_recurrence, o.orthogonal),
    ("exploding", "time"): (*_SLIPS, o.recurrent_scale, o.orthogonal, o.clip, o.gates, rates.lower_rate),
    ("dead units", ""): (*_SLIPS, rates.lower_rate, o.leaky, o.normalizer, o.clip, o.odd_initializer),
    ("saturated", ""): (
        *_SLIPS,
        o.rectifier_for_sigmoid,
        o.initializer,
        o.normalizer,
        o.rectifier,
        rates.lower_rate,
        o.data,
    ),
    ("symmetric", ""): (o.initializer, o.orthogonal),
    ("update too small", ""): (*_STEPS_KEPT_SMALL, rates.higher_rate),
    ("unstable", ""): (*_SLIPS, rates.lower_rate, o.clip, o.constant_rate, o.normalizer),
    ("plateau", ""): (*_SLIPS, o.odd_initializer, rates.higher_rate, rates.lower_rate, o.normalizer, o.data),
    ("diverged", ""): (*_SLIPS, rates.lower_rate, o.clip, o.residual_scaling, o.normalizer, o.odd_initializer),
}

_GENERAL = (
    o.initializer,
    o.orthogonal,
    o.rectifier,
    o.leaky,
    o.normalizer,
    o.skip_connections,
    o.residual_scaling,
    o.norm_first,
    o.adam,
    o.clip,
    o.open_gate,
    o.gates,
    o.identity_recurrence,
    o.recurrent_scale,
    o.no_decay,
    o.no_dropout,
    o.constant_rate,
)
