"""What a paper or a formula leads us to expect of one figure, as written in the file of a claim."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from vgp_bench.errors import ConfigError

KINDS = ("is", "at_least", "at_most", "rises", "falls", "more_often")


@dataclass(frozen=True)
class Expected:
    """One expectation.

    name: what is measured; kind: one of KINDS, an equality, a bound, a trend or a comparison of success rates; value:
    of an equality or a bound; low, high: the values that agree with it. factor: whether it is a matter of orders of
    magnitude, so that logarithms are compared. unit: of the figure; source: paper or formula that the number comes
    from; aspect: which of the claim's verdicts it belongs to, empty if there is one.
    """

    name: str
    kind: str
    value: float
    low: float
    high: float
    factor: bool
    unit: str
    source: str
    aspect: str
    words: str


@dataclass(frozen=True)
class _Entry:
    """The keys of an entry in the file."""

    source: str
    unit: str = ""
    aspect: str = ""
    within: str | float | None = None
    at_least: float | None = None
    at_most: float | None = None
    rises: bool = False
    falls: bool = False
    more_often: bool = False


def read_expected(name: str, entry: Mapping[str, Any], where: str) -> Expected:
    """One entry under `expect:`. Raises ConfigError for any other form. where: the file, for the message."""
    place = f"{where}: expect.{name}"
    known = {field.name for field in fields(_Entry)}
    values = {key: value for key, value in entry.items() if key != "is"}
    if unknown := set(values) - known:
        raise ConfigError(f"{place}: no such key: {', '.join(sorted(unknown))}. There are: is, {', '.join(known)}")
    if "source" not in values:
        raise ConfigError(f"{place}: source: which paper or formula says so?")
    made = _Entry(**values)
    kinds = [kind for kind in KINDS if (entry.get(kind) if kind in ("rises", "falls", "more_often") else kind in entry)]
    if len(kinds) != 1:
        raise ConfigError(f"{place}: needs exactly one of {', '.join(KINDS)}")
    (kind,) = kinds
    if (kind == "is") != (made.within is not None):
        raise ConfigError(f"{place}: `within` belongs to `is`: 5%, x10 or an absolute number")
    value, low, high, factor, words = math.nan, -math.inf, math.inf, False, kind.replace("_", " ")
    if kind == "is":
        value = float(entry["is"])
        low, high, factor = _band(value, made.within, place)
        words = f"{value:.4g} ±{made.within}" if not factor else f"{value:.2g} within {made.within}"
    elif kind == "at_least":
        value = low = float(entry["at_least"])
        words = f"≥ {value:.4g}"
    elif kind == "at_most":
        value = high = float(entry["at_most"])
        words = f"≤ {value:.4g}"
    return Expected(name, kind, value, low, high, factor, made.unit, made.source, made.aspect, words)


def _band(value: float, within: Any, place: str) -> tuple[float, float, bool]:
    """(low, high, whether it is a factor) of `5%`, `x10` or an absolute half width."""
    text = str(within)
    try:
        if text.endswith("%"):
            half = abs(value) * float(text[:-1]) / 100
            return value - half, value + half, False
        if text.startswith("x"):
            return value / float(text[1:]), value * float(text[1:]), True
        return value - float(text), value + float(text), False
    except ValueError as error:
        raise ConfigError(f"{place}: within: {text}: write 5%, x10 or an absolute number") from error
