"""Other learning rates as remedies: by a factor, back to the usual one, or to the size that a step should have."""

import math

from vgp_bench.diagnosis.finding import Remedy
from vgp_bench.diagnosis.known import Known
from vgp_bench.diagnosis.remedy_options import FAR

GOOD_STEP = 1e-3
"""Update-to-weight ratio that learning rates are set to by rule of thumb."""


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


def higher_rate(known: Known) -> Remedy | None:
    return Remedy("ten times the learning rate", rate_word(known.rate * 10))


def rate_for_steps(known: Known, ratio: float) -> Remedy | None:
    """The rate whose steps are GOOD_STEP of the weights, from the measured ratio of the present one."""
    rate = known.rate * GOOD_STEP / ratio if ratio > 0 else known.standard_rate
    return Remedy("a much higher learning rate: updates near 1e-3 of the weights", rate_word(rate))


def rate_word(rate: float) -> tuple[str, ...]:
    """The word that sets it, to two digits; none for an unknown rate."""
    return (f"optimizer.lr={rate:.2g}",) if math.isfinite(rate) and rate > 0 else ()
