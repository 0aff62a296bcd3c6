"""Figures asked for by the name of an expectation, where arms differ in words alone. Needs numpy only."""

from vgp_bench.claims.evidence import Evidence, Statistic


def by_name(evidence: Evidence, statistic: Statistic, name: str) -> dict[int, float]:
    """seed -> figure of the arm `NAME`, or of `OURS over THEIRS` the difference ours minus theirs."""
    ours, theirs = arms_of(name)
    return evidence.paired(statistic, ours, theirs) if theirs else evidence.each(statistic, ours)


def arms_of(name: str) -> tuple[str, str]:
    """(ours, theirs) of `OURS over THEIRS`; theirs is empty if the name is that of an arm."""
    ours, _, theirs = name.partition(" over ")
    return ours, theirs
