"""Estimates as short texts for a table cell."""

import math
from collections.abc import Callable
from typing import NamedTuple

from vgp_bench.compare import Estimate, Metric

UNKNOWN = "-"


class Signs(NamedTuple):
    """How to write an interval, the same as a factor, a factor, and a rule."""

    plus_minus: str
    times_over: str
    times: str
    rule: str


UNICODE = Signs("±", "×÷", "×", "─")
ASCII = Signs("+-", "*/", "x", "-")

Form = Callable[[Estimate, Signs], str]


def signs_for(encoding: str | None) -> Signs:
    """UNICODE if the encoding can write it, else ASCII."""
    try:
        "".join(UNICODE).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


def percent(e: Estimate, signs: Signs) -> str:
    """`97.8 ±0.4`, in percent."""
    return f"{100 * e.mean:.1f}{_half(e, signs, lambda half: f'{100 * half:.1f}')}"


def seconds(e: Estimate, signs: Signs) -> str:
    """`132`, with decimals below 10; without interval, which would only tell how busy the machine was."""
    return f"{e.mean:,.0f}" if abs(e.mean) >= 10 else f"{e.mean:.1f}"


def whole(e: Estimate, signs: Signs) -> str:
    """`1,234,567`."""
    return f"{e.mean:,.0f}"


def mebibytes(e: Estimate, signs: Signs) -> str:
    """Bytes as `857`, in 2^20 bytes."""
    return f"{e.mean / 2**20:,.0f}"


def steps(e: Estimate, signs: Signs) -> str:
    """`340 ±12`."""
    return f"{e.mean:,.0f}{_half(e, signs, lambda half: f'{half:,.0f}')}"


def factor(e: Estimate, signs: Signs) -> str:
    """`0.408 ±0.003`; `3.2e-05 ±1e-05` where three decimals would say 0."""
    half = max(e.high - e.mean, e.mean - e.low) if e.n >= 3 else 0.0
    # A mean near 0 is read by its interval: +0.001 ±0.100 says that nothing is known, +8.4e-04 alone the contrary.
    if e.mean != 0 and not 1e-2 <= max(abs(e.mean), half if math.isfinite(half) else 0.0) < 1e3:
        return f"{e.mean:.1e}{_half(e, signs, lambda half: f'{half:.0e}')}"
    return f"{e.mean:.3f}{_half(e, signs, lambda half: f'{half:.3f}')}"


def power(e: Estimate, signs: Signs) -> str:
    """`3.1e-12 ×÷1.4`: the interval runs from mean / 1.4 to mean * 1.4. Near 1 plain, as `0.93`; exactly zero `0`."""
    if e.mean == 0:
        return "0"
    text = f"{e.mean:.2f}" if 0.095 <= e.mean < 99.5 else f"{e.mean:.1e}"
    if e.n < 3 or not e.mean > 0 or not math.isfinite(e.high):
        return text
    spread = e.high / e.mean
    # 1.02 and 1.1 are different news; 12.3 and 12 are not.
    shown = f"{spread:.2f}" if spread < 1.095 else f"{spread:.1f}" if spread < 100 else f"{spread:.0e}"
    return f"{text} {signs.times_over}{shown}"


def quotient(e: Estimate, signs: Signs) -> str:
    """The difference of factors: `×1.43 ×÷1.2`."""
    return f"{signs.times}{power(e, signs)}"


_FORMS: dict[str, Form] = {
    "fraction": percent,
    "s": seconds,
    "images/s": seconds,
    "bytes": mebibytes,
    "steps": steps,
}


def form_of(metric: Metric) -> Form:
    """How the values of a metric are written."""
    if metric.geometric:
        return factor if "decay" in metric.name else power
    if metric.name == "parameters":
        return whole
    return _FORMS.get(metric.unit, factor)


def cell(e: Estimate, form: Form, signs: Signs) -> str:
    """The text of one estimate; UNKNOWN if nothing was measured."""
    return UNKNOWN if e.n == 0 or math.isnan(e.mean) else form(e, signs)


def reached(e: Estimate, never: int, signs: Signs) -> str:
    """`340 (2 of 3)`: the mean of the two that arrived; `never (0 of 3)`."""
    if never == 0:
        return cell(e, steps, signs)
    return f"{steps(e, signs) if e.n else 'never'} ({e.n} of {e.n + never})"


def difference(e: Estimate, metric: Metric, signs: Signs) -> str:
    """`+1.3 ±0.4`, or for a factor `×1.43 ×÷1.2`; UNKNOWN without pairs."""
    if metric.geometric:
        return cell(e, quotient, signs)
    text = cell(e, form_of(metric), signs)
    return f"+{text}" if e.n and e.mean >= 0 else text


def _half(e: Estimate, signs: Signs, form: Callable[[float], str]) -> str:
    # The larger side: intervals of factors are not quite symmetric. Two values have a range, not an interval.
    if e.n < 3 or not (math.isfinite(e.low) and math.isfinite(e.high)):
        return ""
    return f" {signs.plus_minus}{form(max(e.high - e.mean, e.mean - e.low))}"
