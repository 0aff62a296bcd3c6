"""A fair comparison: each side with the learning rate that validation chose for it."""

from typing import Any

from vgp_bench.claims.evidence import Evidence, Statistic, learned

VALIDATION = learned("validation_accuracy")


def tuned(
    evidence: Evidence,
    statistic: Statistic,
    arm: str,
    chosen_by: Statistic = VALIDATION,
    largest: bool = True,
    key: str = "lr",
    **point: Any,
) -> dict[int, float]:
    """seed -> figure of the arm at the point, at the rate whose mean of `chosen_by` over the seeds is best."""
    rate, _ = evidence.best(chosen_by, arm, key, largest, **point)
    return evidence.each(statistic, arm, **{key: rate}, **point)


def tuned_along(
    evidence: Evidence,
    statistic: Statistic,
    arm: str,
    along: str,
    chosen_by: Statistic = VALIDATION,
    largest: bool = True,
) -> dict[Any, dict[int, float]]:
    """Value of another key of the grid, such as the depth -> seed -> figure, the rate chosen anew at each value."""
    (values,) = (values for name, values in evidence.scale.grid.items() if name.rpartition(".")[2] == along)
    return {value: tuned(evidence, statistic, arm, chosen_by, largest, **{along: value}) for value in values}


def difference(ours: dict[int, float], theirs: dict[int, float]) -> dict[int, float]:
    """seed -> ours minus theirs, of the seeds that both have."""
    return {seed: ours[seed] - theirs[seed] for seed in ours if seed in theirs}


def named(evidence: Evidence, statistic: Statistic, name: str, along: str = "depth") -> dict[int, float]:
    """What the name of an expectation asks for: ARM_LEVEL, or the difference OURS_over_THEIRS_LEVEL, each side tuned.
    LEVEL is a whole number."""
    arms, _, level = name.rpartition("_")
    return arm_or_difference(evidence, statistic, arms, **{along: int(level)})


def arm_or_difference(evidence: Evidence, statistic: Statistic, name: str, **point: Any) -> dict[int, float]:
    """seed -> figure of the arm of this name, or of `OURS over THEIRS` (or OURS_over_THEIRS) ours minus theirs, each
    side tuned."""
    ours, _, theirs = name.replace("_over_", " over ").partition(" over ")
    found = tuned(evidence, statistic, ours, **point)
    return difference(found, tuned(evidence, statistic, theirs, **point)) if theirs else found
