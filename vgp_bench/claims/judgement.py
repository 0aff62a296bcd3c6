"""From evidence to verdicts: one for each aspect of a claim."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from vgp_bench.claims.checks import Check, Verdict, holm, not_run
from vgp_bench.claims.claim import Claim
from vgp_bench.claims.gathering import Gathered
from vgp_bench.claims.registry import reading_of
from vgp_bench.errors import ConfigError


@dataclass(frozen=True)
class Judgement:
    """A claim at one scale, judged. gathered: None if nothing could be run, for the `reason`."""

    claim: Claim
    scale_name: str
    checks: Sequence[Check]
    gathered: Gathered | None = None
    reason: str = ""

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """Aspect -> verdict, in the order of the file; a claim with one verdict has the aspect ""."""
        aspects = dict.fromkeys(check.expected.aspect for check in self.checks) or {"": None}
        return {aspect: together([c for c in self.checks if c.expected.aspect == aspect]) for aspect in aspects}


def together(checks: Sequence[Check]) -> Verdict:
    """All must hold for a claim to be reproduced; one that is contradicted contradicts it."""
    found = [check.verdict for check in checks]
    if not found or "NOT RUN" in found:
        return "CONTRADICTED" if "CONTRADICTED" in found else "NOT RUN"
    if "CONTRADICTED" in found:
        return "CONTRADICTED"
    return "INCONCLUSIVE" if "INCONCLUSIVE" in found else "REPRODUCED"


def judge(gathered: Gathered) -> Judgement:
    """What the evidence says of each expectation. Raises ConfigError if file and module do not speak of the same."""
    evidence = gathered.evidence
    checks = reading_of(evidence.claim).check(evidence)
    told = [check.expected.name for check in checks]
    if sorted(told) != sorted(evidence.scale.expect):
        expected = ", ".join(evidence.scale.expect)
        raise ConfigError(
            f"{evidence.claim.path.stem}: the file expects {expected}; the module judges {', '.join(told)}"
        )
    reasons = list(dict.fromkeys(one.missing for one in evidence.observed if one.missing))
    checks = [replace(c, reason=reasons[0]) if c.measured.n == 0 and reasons else c for c in checks]
    return Judgement(evidence.claim, evidence.scale_name, checks, gathered)


def cannot(claim: Claim, scale_name: str, reason: str) -> Judgement:
    """Of a claim that cannot be run here."""
    expected = claim.scales[scale_name].expect.values() if scale_name in claim.scales else []
    return Judgement(claim, scale_name, [not_run(one, reason) for one in expected], None, reason)


def adjusted(judgements: Sequence[Judgement]) -> list[Judgement]:
    """The judgements with the p values of all their checks adjusted for their number (Holm 1979)."""
    flat = iter(holm([check for one in judgements for check in one.checks]))
    return [replace(one, checks=[next(flat) for _ in one.checks]) for one in judgements]
