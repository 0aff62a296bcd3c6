"""What to change for each verdict, the most promising first; for a composed run also the words for its command line.

Promising by the papers named, not by a measurement on this network: that is what `vgp-bench doctor` does with the same
list. See remedy_lists.py.
"""

from collections.abc import Sequence
from dataclasses import replace

from vgp_bench.diagnosis import remedy_rates as rates
from vgp_bench.diagnosis.finding import Remedy, Symptom, Verdict
from vgp_bench.diagnosis.known import Known
from vgp_bench.diagnosis.remedy_lists import DEAD_FROM_THE_START, GENERAL, OF_THE_SIGNAL, OPTIONS, RATES, Option


def remedies_for(verdict: Verdict, cause: Symptom | None, known: Known) -> tuple[Remedy, ...]:
    """The remedies that apply; none for a healthy run."""
    if verdict == "update too small" and cause is not None:
        known = replace(known, update_ratio=cause.evidence.value)
    return _once([remedy for option in _options(verdict, cause) if (remedy := option(known)) is not None])


def general_remedies(known: Known) -> tuple[Remedy, ...]:
    """Every other single change with a reason to try it on a network that does not train, whatever its verdict."""
    return _once([remedy for option in GENERAL if (remedy := option(known)) is not None and remedy.overrides])


def _options(verdict: Verdict, cause: Symptom | None) -> Sequence[Option]:
    axis = cause.axis if cause is not None else ""
    late = cause is not None and cause.onset > 0
    if verdict == "exploding" and axis == "depth" and late:
        axis = ""
    options = OPTIONS.get((verdict, axis)) or OPTIONS.get((verdict, ""), ())
    if verdict == "dead units" and not late:
        options = DEAD_FROM_THE_START
    if cause is not None and not late and (verdict, axis) in OF_THE_SIGNAL:
        # It was there before the first step: no other step would have prevented it.
        options = [*(option for option in options if option not in RATES), rates.usual_rate]
    return options


def _once(found: Sequence[Remedy]) -> tuple[Remedy, ...]:
    """Each once, by its words where it has some."""
    once: dict[tuple[str, ...] | str, Remedy] = {}
    for remedy in found:
        once.setdefault(remedy.overrides or remedy.words, remedy)
    return tuple(once.values())
