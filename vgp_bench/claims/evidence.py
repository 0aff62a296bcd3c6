"""What was observed for a claim, and the figures a claim reads off it. Needs numpy only."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vgp_bench.claims.claim import Claim, Scale
from vgp_bench.claims.expected import Expected
from vgp_bench.compare.estimates import Estimate, estimate
from vgp_bench.records.reading import RunRecord

Measured = Mapping[str, list[float]]
"""Column -> values of one measurement."""


class NotMeasured(LookupError):  # noqa: N818  what happened, no fault
    """The figure cannot be had of this run or network."""


@dataclass(frozen=True)
class Observed:
    """One cell with one seed. point: key of the grid -> value; record: of its run, None if the scale has no runs or
    this one did not end; measured: name of a measurement -> what it gave; missing: why something is not there."""

    arm: str
    point: Mapping[str, Any]
    seed: int
    record: RunRecord | None = None
    measured: Mapping[str, Measured] = field(default_factory=dict)
    missing: str = ""

    @property
    def ended(self) -> RunRecord:
        """The record, where a claim cannot do without. Raises NotMeasured if there is none."""
        if self.record is None:
            raise NotMeasured(self.missing or "no run")
        return self.record

    @property
    def diverged(self) -> bool:
        return self.record is not None and self.record.state == "diverged"


Statistic = Callable[[Observed], float]


@dataclass(frozen=True)
class Evidence:
    """All that was observed at one scale of a claim. chosen: what best() has found, by arm and point, in words."""

    claim: Claim
    scale_name: str
    observed: Sequence[Observed]
    chosen: dict[str, str] = field(default_factory=dict, compare=False)

    @property
    def scale(self) -> Scale:
        return self.claim.scales[self.scale_name]

    def expected(self, name: str) -> Expected:
        """The expectation of this name. Raises KeyError: claim and module must speak of the same."""
        return self.scale.expect[name]

    def cells(self, arm: str, **point: Any) -> list[Observed]:
        """What was observed of an arm, one a seed, at the point; keys of the grid by their last part, as `depth=20`."""
        return [one for one in self.observed if one.arm == arm and _matches(one.point, point)]

    def each(self, statistic: Statistic, arm: str, **point: Any) -> dict[int, float]:
        """seed -> figure; NaN where there is no run or measurement to read it off."""
        return {one.seed: _value(statistic, one) for one in self.cells(arm, **point)}

    def paired(
        self, statistic: Statistic, arm: str, baseline: str, point: Mapping[str, Any] | None = None, ratio: bool = False
    ) -> dict[int, float]:
        """seed -> figure of `arm` minus that of `baseline` with the same seed; ratio: the one over the other."""
        a, b = (self.each(statistic, name, **(point or {})) for name in (arm, baseline))
        if ratio:
            return {seed: a[seed] / b[seed] if b[seed] else math.nan for seed in a if seed in b}
        return {seed: a[seed] - b[seed] for seed in a if seed in b}

    def along(self, statistic: Statistic, arm: str, key: str, **point: Any) -> dict[Any, dict[int, float]]:
        """Value of a grid key -> seed -> figure, in the order of the grid."""
        (values,) = (values for name, values in self.scale.grid.items() if _is_key(name, key))
        return {value: self.each(statistic, arm, **{key: value}, **point) for value in values}

    def best(
        self, chosen_by: Statistic, arm: str, key: str = "lr", largest: bool = True, **point: Any
    ) -> tuple[Any, dict[Any, Estimate]]:
        """The value of a grid key whose mean of `chosen_by` over the seeds is best, and all estimates: how a learning
        rate is tuned for one side of a comparison. Choose by a validation figure, never by one on test data. Values of
        which any seed has no figure cannot win unless all are such."""
        found = {
            value: estimate(list(seeds.values())) for value, seeds in self.along(chosen_by, arm, key, **point).items()
        }
        most = max(one.n for one in found.values())
        sign = 1 if largest else -1

        def worth(value: Any) -> float:
            one = found[value]
            return sign * one.mean if one.n == most and not math.isnan(one.mean) else -math.inf

        chosen = max(found, key=worth)
        (values,) = (values for name, values in self.scale.grid.items() if _is_key(name, key))
        if len(values) > 1:
            where = [arm, *(f"{name}={value}" for name, value in point.items())]
            edge = ", at the edge of those tried" if chosen in (min(values), max(values)) else ""
            self.chosen[" ".join(where)] = f"{key} {chosen:g}{edge}"
        return chosen, found

    def divergences(self, arm: str, **point: Any) -> tuple[int, int]:
        """(diverged, runs that ended)."""
        runs = [one for one in self.cells(arm, **point) if one.record is not None]
        return sum(one.diverged for one in runs), len(runs)


def measured(name: str, column: str) -> Statistic:
    """The statistic that is one value of a measurement."""

    def value(one: Observed) -> float:
        (found,) = one.measured[name][column]
        return found

    return value


def summary_figure(field_name: str) -> Statistic:
    """The statistic that is a figure of the summary."""

    def value(one: Observed) -> float:
        summary = one.ended.summary
        return math.nan if summary is None else float(getattr(summary, field_name))

    return value


def learned(field_name: str = "test_accuracy") -> Statistic:
    """The same for an accuracy; a run that diverged has learned nothing: it has that of chance."""

    def value(one: Observed) -> float:
        summary = one.ended.summary
        if summary is None:
            return math.nan
        # Not what it had before: a rate at which runs diverge must not win.
        return float(summary.chance_accuracy if one.diverged else getattr(summary, field_name))

    return value


def _value(statistic: Statistic, one: Observed) -> float:
    try:
        return float(statistic(one))
    except NotMeasured:
        return math.nan
    except LookupError:
        if one.missing or (one.record is None and not one.measured):
            return math.nan
        raise  # it is there: the statistic asks for something that is not in it


def _matches(point: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    for key, value in wanted.items():
        found = [have for name, have in point.items() if _is_key(name, key)]
        if len(found) != 1:
            raise KeyError(f"{key}: not one key of the grid: {', '.join(point)}")
        if found[0] != value:
            return False
    return True


def _is_key(name: str, key: str) -> bool:
    return name == key or name.rpartition(".")[2] == key
