"""The mean of a few seeds and how far to trust it, of one group or of two paired by seed."""

import math
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

CONFIDENCE = 0.95


class Estimate(NamedTuple):
    """n values, their mean, and the interval from low to high (NaN where there is none)."""

    n: int
    mean: float
    low: float
    high: float


NOTHING = Estimate(0, math.nan, math.nan, math.nan)


def estimate(values: Iterable[float], geometric: bool = False) -> Estimate:
    """Mean and interval of the values that are not NaN. geometric: of their logarithms; a 0 makes the mean 0."""
    x = [float(value) for value in values if not math.isnan(value)]
    if not x:
        return NOTHING
    if geometric:
        if min(x) > 0:
            log = estimate([math.log(value) for value in x])
            return Estimate(log.n, *(_exp(value) for value in log[1:]))
        return Estimate(len(x), 0.0 if math.isfinite(max(x)) else math.nan, min(x), max(x))
    mean = sum(x) / len(x)
    if len(x) == 1 or not math.isfinite(mean):
        return Estimate(len(x), mean, math.nan, math.nan)
    if len(x) == 2:
        return Estimate(2, mean, min(x), max(x))
    deviation = math.sqrt(sum((value - mean) ** 2 for value in x) / (len(x) - 1))
    half = _t_quantile(len(x) - 1) * deviation / math.sqrt(len(x))
    return Estimate(len(x), mean, mean - half, mean + half)


def share(values: Iterable[float]) -> Estimate:
    """The mean of zeros and ones. A t interval would say that 0 of 3 is certain, so there is none."""
    return estimate(values)._replace(low=math.nan, high=math.nan)


def reached(values: Iterable[float]) -> tuple[Estimate, int]:
    """Estimate of the finite values, and how many are infinite (never reached).

    The mean over those that arrived is no estimate for all, so there is no interval where some never did.
    """
    x = list(values)
    never = sum(math.isinf(value) for value in x)
    found = estimate(value for value in x if math.isfinite(value))
    return (found._replace(low=math.nan, high=math.nan) if never else found), never


def paired(values: Mapping[Any, float], baseline: Mapping[Any, float], geometric: bool = False) -> Estimate:
    """Mean and interval of value - baseline over the seeds that have both; n counts these pairs.

    geometric: of value / baseline, on the logarithm. A pair of which one is NaN, or whose difference or quotient is
    unknown (inf - inf, 0 / 0), is left out; so is one that never reached what steps are counted to.
    """
    pairs = [(values[seed], baseline[seed]) for seed in values if seed in baseline]
    if geometric:
        return estimate((_quotient(a, b) for a, b in pairs), geometric=True)
    return estimate(a - b for a, b in pairs if math.isfinite(a) and math.isfinite(b))


def _quotient(a: float, b: float) -> float:
    if b == 0:
        return math.inf if a > 0 else math.nan
    return a / b


@cache
def _t_quantile(freedom: int) -> float:
    from scipy.special import stdtrit  # scipy.stats takes a second to import

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))


def _exp(x: float) -> float:
    # An interval over few seeds can reach beyond the largest float.
    return math.inf if x >= 709 else math.exp(x)  # NaN, where there is no interval, stays NaN
