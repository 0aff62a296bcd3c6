"""Other learning rates as remedies: back to the usual one, lower, or by as much higher as the measured steps say."""

import math

from vgp_bench.diagnosis.finding import Remedy
from vgp_bench.diagnosis.known import Known

GOOD_STEP = 1e-3
"""Update-to-weight ratio that learning rates are set to by rule of thumb."""

FAR = 30.0
"""A learning rate beyond so many times its standard is a slip, not a choice: good ones lie within a factor of ten."""
LEAST_RAISE = 2
"""Powers of ten below GOOD_STEP from which on steps are too small by any rule. A single one is a matter of taste; and
what a raise by ten does, a tenth of the rate undoes, which is the advice for the instability that may come of it."""


def usual_rate(known: Known) -> Remedy | None:
    """Only where the present rate is far above it."""
    return _usual(known) if known.rate > FAR * known.standard_rate else None


def usual_rate_from_below(known: Known) -> Remedy | None:
    """Only where the present rate is far below it."""
    return _usual(known) if known.rate < known.standard_rate / FAR else None


def _usual(known: Known) -> Remedy:
    return Remedy(f"the usual learning rate of {known.choices['optimizer']}", rate_word(known.standard_rate))


def lower_rate(known: Known) -> Remedy | None:
    return usual_rate(known) or Remedy("a tenth of the learning rate", rate_word(known.rate / 10))


def lower_rate_of_large_steps(known: Known) -> Remedy | None:
    """Only where the measured steps are larger than they should be."""
    return lower_rate(known) if known.update_ratio >= 10 * GOOD_STEP else None


def higher_rate(known: Known) -> Remedy | None:
    """The rate whose steps are near GOOD_STEP of the weights, to a power of ten, by the measured ratio of the present
    one; no higher than FAR times its standard, which the next diagnosis would call a slip."""
    if known.update_ratio == 0:  # there is no step to go by
        return _usual(known) if known.rate < known.standard_rate else None
    if not (powers := _powers_to_go(known)) >= LEAST_RAISE:
        return None
    rate = known.rate * 10.0**powers
    if is_out_of_range(known):
        rate = FAR * known.standard_rate
        if rate < 10 * known.rate:
            return None
        return Remedy(f"{FAR:.0f} times the usual learning rate, as high as it may be", rate_word(rate))
    words = f"{10**powers} times the learning rate: updates near 1e-3 of the weights, not {known.update_ratio:.0e}"
    return Remedy(words, rate_word(rate))


def is_out_of_range(known: Known) -> bool:
    """Whether steps of GOOD_STEP would ask for a rate that no one sets: what is small then is the gradient."""
    powers = _powers_to_go(known)
    if known.update_ratio == 0:
        return known.rate >= known.standard_rate
    return powers >= LEAST_RAISE and known.rate * 10.0**powers > FAR * known.standard_rate


def _powers_to_go(known: Known) -> int:
    """Powers of ten between the measured steps and GOOD_STEP; 0 if they are unknown. Half a power is rounded down."""
    ratio = known.update_ratio
    return math.ceil(math.log10(GOOD_STEP / ratio) - 0.5) if 0 < ratio < math.inf else 0


def rate_word(rate: float) -> tuple[str, ...]:
    """The word that sets it, to two digits; none for an unknown rate."""
    return (f"optimizer.lr={rate:.2g}",) if math.isfinite(rate) and rate > 0 else ()
