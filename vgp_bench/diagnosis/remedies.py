"""What to change for each verdict, the most promising first; for a composed run also the words for its command line.

Promising by the papers named, not by a measurement on this network: that is what `vgp-bench doctor` does with the same
list. Two principles: what is far from where its authors put it (a gain, a bias, a rate) goes back there before anything
is added; and a remedy at the cause of a verdict comes before one that makes up for it.
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
    if verdict == "update too small" and cause is not None:
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
    if not options:
        return ()
    if verdict == "dead units" and cause is not None and not late:
        options = _DEAD_FROM_THE_START
    if verdict in ("update too small", "symmetric"):
        return options  # it is known what is out of place
    return (*(_BACK_LATE if late or cause is None or verdict == "unstable" else _BACK), *options)


def _once(found: Sequence[Remedy]) -> tuple[Remedy, ...]:
    """Each once, by its words where it has some."""
    once: dict[tuple[str, ...] | str, Remedy] = {}
    for remedy in found:
        once.setdefault(remedy.overrides or remedy.words, remedy)
    return tuple(once.values())


_BACK = (o.rectifier_for_sigmoid, o.odd_initializer, o.recurrent_scale, rates.usual_rate, o.no_decay, o.no_dropout)
_BACK_LATE = (rates.usual_rate, o.no_decay, o.no_dropout, o.odd_initializer, o.recurrent_scale)
"""What goes back to its usual place: of what was wrong from the start, the start first."""

_STEPS_KEPT_SMALL = (o.looser_clip, o.constant_rate, rates.usual_rate_from_below)
_DEPTH = (o.rectifier, o.initializer, o.skip_connections, o.normalizer, o.norm_first, o.residual_scaling, o.adam)
_DEAD_FROM_THE_START = (o.initializer, o.leaky, o.normalizer, rates.lower_rate)

_OPTIONS: dict[tuple[Verdict, str], Sequence[Option]] = {
    ("vanishing", "depth"): _DEPTH,
    ("vanishing", "time"): (o.open_gate, o.gates, o.identity_recurrence, o.orthogonal),
    ("exploding", "depth"): (o.initializer, o.residual_scaling, o.normalizer, rates.lower_rate, o.clip),
    ("exploding", "time"): (o.orthogonal, o.clip, o.gates, rates.lower_rate),
    ("exploding", ""): (rates.lower_rate, o.clip, o.residual_scaling, o.normalizer, o.initializer),
    ("dead units", ""): (rates.lower_rate, o.leaky, o.normalizer, o.clip),
    ("saturated", ""): (o.initializer, o.rectifier, o.normalizer, rates.lower_rate, o.data),
    ("collapsed", ""): (o.normalizer, o.skip_connections, o.initializer, o.rectifier, o.data),
    ("symmetric", ""): (o.initializer, o.orthogonal),
    ("update too small", ""): (*_STEPS_KEPT_SMALL, rates.higher_rate),
    ("unstable", ""): (rates.lower_rate, o.clip, o.constant_rate, o.normalizer),
    ("plateau", ""): (rates.higher_rate, rates.lower_rate, o.normalizer, o.data),
    ("diverged", ""): (rates.lower_rate, o.clip, o.residual_scaling, o.normalizer),
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
