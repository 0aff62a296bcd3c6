"""What is tried: the remedies of the verdict, all others that apply, and a range test of the learning rate."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from vgp_bench.composition import compose
from vgp_bench.config import ComposedRun
from vgp_bench.config_check import check
from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Diagnosis, Remedy
from vgp_bench.diagnosis.known import Known
from vgp_bench.diagnosis.remedies import general_remedies
from vgp_bench.diagnosis.remedy_rates import GOOD_STEP, rate_word
from vgp_bench.doctor.words import changed, clash
from vgp_bench.errors import ConfigError

FACTORS = (10**0.5, 10**-0.5, 10.0, 0.1)
"""Learning rates beside the present one, by which the range test goes (after Smith 2017, section 3.3)."""

UNCHANGED = "as it is"


@dataclass(frozen=True)
class Change:
    """overrides: what is changed, none of the network as it is; words: of the whole run; why: the reason for it."""

    overrides: tuple[str, ...]
    words: tuple[str, ...]
    composed: ComposedRun = field(compare=False)
    why: str = ""

    @property
    def name(self) -> str:
        return " ".join(self.overrides) or UNCHANGED


def single_changes(base: Change, diagnosis: Diagnosis, case: Case) -> list[Change]:
    """Every change with words that composes and passes the check, the most promising first."""
    known = Known.of(case)
    remedies = [remedy for remedy in diagnosis.remedies if remedy.overrides]
    seen: dict[tuple[str, ...], Remedy] = {}
    for remedy in (*remedies, *general_remedies(known), *range_test(known)):
        seen.setdefault(remedy.overrides, remedy)
    made = (change(base, remedy.overrides, remedy.words) for remedy in seen.values())
    return [one for one in made if one is not None]


def change(base: Change, overrides: Sequence[str], why: str = "") -> Change | None:
    """The run with these overrides; None if it cannot be."""
    words = changed(base.words, overrides)
    try:
        (composed,) = compose(words)
        check(composed)
    except ConfigError:
        return None
    return Change(tuple(overrides), tuple(words), composed, why)


def pair(base: Change, one: Change, other: Change) -> Change | None:
    """Both changes at once; None if they exclude each other."""
    if clash(one.overrides, other.overrides):
        return None
    return change(base, (*one.overrides, *other.overrides), "both")


def range_test(known: Known) -> list[Remedy]:
    """Learning rates around the present one, and around that whose steps are 1e-3 of the weights, as measured."""
    rates = [known.rate * factor for factor in FACTORS]
    if (ratio := known.update_ratio) > 0 and not 0.1 < GOOD_STEP / ratio < 10:
        # A single look does not tell more than a few orders of magnitude: of 1e-18 nobody has learned anything.
        good = known.rate * min(max(GOOD_STEP / ratio, 1e-4), 1e4)
        rates += [good, good * FACTORS[0], good * FACTORS[1]]
    return [Remedy("range test of the learning rate (Smith 2017)", word) for rate in rates if (word := rate_word(rate))]
