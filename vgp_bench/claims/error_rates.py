"""Test errors as papers give them, and the runs that diverged, told beside the figure. Needs numpy only."""

from collections.abc import Iterable
from dataclasses import replace

from vgp_bench.claims.by_name import arms_of, by_name
from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.evidence import Evidence, Observed, learned
from vgp_bench.claims.expected import Expected
from vgp_bench.claims.training_figures import training_loss
from vgp_bench.plural import plural


def percent_wrong(one: Observed) -> float:
    """Per cent of the test images that the last weights get wrong; a run that diverged has the error of chance."""
    return 100 * (1 - learned()(one))


def percent_right(one: Observed) -> float:
    """Per cent of the test images that the last weights get right; a run that diverged has what chance gets."""
    return 100 * learned()(one)


def error_or_loss(evidence: Evidence, expected: Expected) -> Check:
    """The test error of the arm of this name, or of `OURS over THEIRS` the difference of their training losses."""
    statistic = training_loss if " over " in expected.name else percent_wrong
    found = judged(expected, by_name(evidence, statistic, expected.name))
    return with_divergences(found, evidence, arms_of(expected.name))


def with_divergences(check: Check, evidence: Evidence, arms: Iterable[str]) -> Check:
    """The check, its reason telling how many runs of each arm diverged, if any did."""
    rates = {arm: evidence.divergences(arm) for arm in arms if arm}
    told = [
        f"{arm}: {diverged} of {plural(runs, 'run')} diverged" for arm, (diverged, runs) in rates.items() if diverged
    ]
    return replace(check, reason="; ".join(part for part in (check.reason, *told) if part))
