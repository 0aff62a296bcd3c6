"""What an answer that ignores the input comes to, as a record has it from the beginning of the run on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vgp_bench.records.reading import RunRecord


@dataclass(frozen=True)
class ChanceLevels:
    """loss: nats, or squared error of a regression; accuracy: fraction. NaN if unknown."""

    loss: float = math.nan
    accuracy: float = math.nan

    def as_json(self) -> dict[str, float | None]:
        """Plain values for environment.json: NaN as null."""
        return {"loss": _plain(self.loss), "accuracy": _plain(self.accuracy)}


def chance_of(record: RunRecord) -> ChanceLevels:
    """Of the summary where the run has come to one; else as environment.json has had it since the run began, which a
    run of an earlier version lacks."""
    if record.summary is not None:
        return ChanceLevels(record.summary.chance_loss, record.summary.chance_accuracy)
    begun = record.environment.get("chance")
    if not isinstance(begun, Mapping):
        return ChanceLevels()
    return ChanceLevels(_number(begun.get("loss")), _number(begun.get("accuracy")))


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
