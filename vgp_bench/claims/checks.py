"""One expectation against what was measured: a statistical test with a name, an interval, and what it lets us say.

Each has two one-sided tests at ALPHA, which together make a 95 % interval: one for the expectation, one against it.
Neither can be rejected: the interval straddles the bound, and nothing is decided. Tests are those of scipy.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from vgp_bench.claims.expected import Expected
from vgp_bench.compare.estimates import Estimate, estimate
from vgp_bench.plural import agreeing, plural

ALPHA = 0.025
FEWEST = 3
"""Seeds. Of two the spread is hardly known."""

Verdict = Literal["REPRODUCED", "CONTRADICTED", "INCONCLUSIVE", "NOT RUN"]


@dataclass(frozen=True)
class Check:
    """expected: what was expected; measured: mean and 95 % interval, of the differences where two sides are compared;
    words: what was measured, where an interval says it badly; test: its name; p_for: how probable data that agree so
    well are if the expectation is wrong; p_against: data that disagree so much if it is right. reason: why nothing can
    be said, or what must be known beside it.
    """

    expected: Expected
    measured: Estimate
    test: str
    p_for: float
    p_against: float
    words: str = ""
    reason: str = ""

    @property
    def verdict(self) -> Verdict:
        if self.measured.n == 0:
            return "NOT RUN"
        if self.p_for <= ALPHA:
            return "REPRODUCED"
        return "CONTRADICTED" if self.p_against <= ALPHA else "INCONCLUSIVE"


def judged(expected: Expected, values: Mapping[int, float]) -> Check:
    """An equality or a bound, of one value a seed: Student's t against the edges of what was expected.

    An equality holds if the mean lies inside both edges (two one-sided tests, Schuirmann 1987). Values that are not
    there are left out and told; infinite ones cannot be averaged and leave the matter open.
    """
    if expected.kind not in ("is", "at_least", "at_most"):
        raise ValueError(f"{expected.name}: {expected.kind} is not judged by one value a seed")
    known = [value for value in values.values() if not math.isnan(value)]
    lost = len(values) - len(known)
    reason = f"{lost} of {plural(len(values), 'run')} {agreeing(lost, 'have')} no value" if lost else ""
    test = "two one-sided t tests" if expected.kind == "is" else "one-sided t test"
    if expected.factor:
        if any(value <= 0 for value in known):
            # Zeros lie below every band; beside other values they have no place in a mean of logarithms.
            nothing = len(known) >= FEWEST and not any(known)
            why = "" if nothing else "a value is 0: it has no logarithm"
            return Check(expected, _plain(known), test, 1.0, 0.0 if nothing else 1.0, reason=why)
        test += " of logarithms"
    measured = estimate(known, geometric=expected.factor)
    if len(known) < FEWEST:
        few = f"{plural(len(known), 'seed')}: {FEWEST} or more"
        return Check(expected, measured, test, 1.0, 1.0, reason=reason or few)
    if not all(map(math.isfinite, known)):
        return Check(expected, measured, test, 1.0, 1.0, reason="a value is infinite")
    x = [math.log(value) for value in known] if expected.factor else known
    low, high = (_log(edge) if expected.factor else edge for edge in (expected.low, expected.high))
    # A difference of exactly 0 says nothing of a direction; the edges of a band belong to it.
    closed = expected.kind == "is"
    above, below = _t_test(x, low, "greater", closed), _t_test(x, high, "less", closed)
    under, over = _t_test(x, low, "less"), _t_test(x, high, "greater")
    return Check(expected, measured, test, max(above, below), min(under, over), reason=reason)


def proportion(expected: Expected, successes: int, n: int) -> Check:
    """A share of n independent trials: exact binomial tests, with the interval of Clopper & Pearson (1934)."""
    from scipy.stats import binomtest

    if n == 0:
        return Check(expected, Estimate(0, math.nan, math.nan, math.nan), "exact binomial test", 1.0, 1.0)
    interval = binomtest(successes, n).proportion_ci(0.95)

    def p(edge: float, alternative: str) -> float:
        if not 0 < edge < 1:  # no share lies beyond
            return 0.0 if (edge <= 0) == (alternative == "greater") else 1.0
        return float(binomtest(successes, n, edge, alternative=alternative).pvalue)

    measured = Estimate(n, successes / n, float(interval.low), float(interval.high))
    agree = max(p(expected.low, "greater"), p(expected.high, "less"))
    differ = min(p(expected.low, "less"), p(expected.high, "greater"))
    return Check(expected, measured, "exact binomial test", agree, differ, f"{successes} of {n}")


def more_often(expected: Expected, ours: Sequence[bool], theirs: Sequence[bool]) -> Check:
    """Whether the first side succeeds more often: Fisher's exact test."""
    from scipy.stats import fisher_exact

    a, b, m, n = sum(ours), sum(theirs), len(ours), len(theirs)
    if not m or not n:
        return Check(expected, Estimate(0, math.nan, math.nan, math.nan), "Fisher's exact test", 1.0, 1.0)
    table = [[a, m - a], [b, n - b]]
    p_for, p_against = (float(fisher_exact(table, alternative=side).pvalue) for side in ("greater", "less"))
    measured = Estimate(m, a / m - b / n, math.nan, math.nan)
    return Check(expected, measured, "Fisher's exact test", p_for, p_against, f"{a} of {m} against {b} of {n}")


def trend(expected: Expected, levels: Mapping[Any, Mapping[int, float]]) -> Check:
    """Whether the figure tends to rise (or fall) with the level, seed by seed: Page's (1963) trend test, on ranks.

    levels: in ascending order, level -> seed -> value. Seeds that lack a level are left out, and told.
    """
    import numpy as np
    from scipy.stats import page_trend_test, spearmanr

    seeds = set.intersection(*(set(values) for values in levels.values()))
    rows = np.array([[values[seed] for values in levels.values()] for seed in sorted(seeds)])
    rows = rows.reshape(-1, len(levels))
    lost = int(np.isnan(rows).any(axis=1).sum())
    rows = rows[~np.isnan(rows).any(axis=1)]
    reason = f"{plural(lost, 'seed', 'lack')} a level" if lost else ""
    if expected.kind == "falls":
        rows = -rows
    test = "Page's trend test"
    if not len(rows):
        return Check(expected, Estimate(0, math.nan, math.nan, math.nan), test, 1.0, 1.0)
    order = np.arange(len(levels))
    ranks = [float(spearmanr(order, row).statistic) if len(set(row)) > 1 else 0.0 for row in rows]
    sign = -1 if expected.kind == "falls" else 1
    measured = estimate([sign * rank for rank in ranks])._replace(low=math.nan, high=math.nan)
    words = f"rank correlation {measured.mean:+.2f}"
    if len(levels) < 3 or len(rows) < FEWEST:
        return Check(expected, measured, test, 1.0, 1.0, words, f"needs 3 levels and {FEWEST} seeds or more")
    up, down = float(page_trend_test(rows).pvalue), float(page_trend_test(-rows).pvalue)
    return Check(expected, measured, test, up, down, words, reason)


def not_run(expected: Expected, reason: str) -> Check:
    """Of an expectation that nothing was measured for."""
    return Check(expected, Estimate(0, math.nan, math.nan, math.nan), "", 1.0, 1.0, reason=reason)


def holm(checks: Sequence[Check]) -> list[Check]:
    """The checks with p values adjusted for their number (Holm 1979), each side for itself."""
    tested = [i for i, check in enumerate(checks) if check.test and check.measured.n]
    p_for, p_against = (_adjusted([getattr(checks[i], side) for i in tested]) for side in ("p_for", "p_against"))
    found = list(checks)
    for i, one, other in zip(tested, p_for, p_against, strict=True):
        found[i] = replace(checks[i], p_for=one, p_against=other)
    return found


def _adjusted(p: Sequence[float]) -> list[float]:
    order = sorted(range(len(p)), key=lambda i: p[i])
    adjusted, worst = [1.0] * len(p), 0.0
    for rank, i in enumerate(order):
        worst = max(worst, min(1.0, (len(p) - rank) * p[i]))
        adjusted[i] = worst
    return adjusted


def _t_test(
    x: Sequence[float], edge: float, alternative: Literal["greater", "less"], edge_belongs: bool = False
) -> float:
    """p of the hypothesis that the mean is not on this side of the edge; values that are all equal leave no doubt,
    unless they are the edge. edge_belongs: whether that counts as on this side."""
    from scipy.stats import ttest_1samp

    if math.isinf(edge):
        return 0.0 if (edge < 0) == (alternative == "greater") else 1.0
    if max(x) == min(x):
        if x[0] == edge:
            return 0.0 if edge_belongs else 1.0
        return 0.0 if (x[0] > edge) == (alternative == "greater") else 1.0
    return float(ttest_1samp(x, edge, alternative=alternative).pvalue)


def _log(edge: float) -> float:
    return math.log(edge) if 0 < edge < math.inf else -math.inf if edge <= 0 else math.inf


def _plain(values: Sequence[float]) -> Estimate:
    return estimate(values)
