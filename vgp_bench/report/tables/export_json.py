"""A comparison as strict JSON: fractions as fractions, null for what was not measured, "inf" for infinity."""

import json
import math
from typing import Any

from vgp_bench.compare import STATES, Baseline, Comparison
from vgp_bench.compare.metrics import VERDICT


def to_json(comparison: Comparison, baseline: Baseline | None = None) -> str:
    """constants, settings, metrics with unit and definition, baseline, groups, notes.

    If runs were judged, each group has its `verdict`, and `verdicts`, one for each of its `paths`.
    """
    estimates = iter(comparison.estimates.to_numpy().tolist())
    groups: list[dict[str, Any]] = []
    for number, row in enumerate(comparison.groups.to_dict("records")):
        group: dict[str, Any] = {
            "settings": {key: _plain(row[key]) for key in comparison.settings},
            "runs": {state: row[state] for state in STATES},
            "n": row["n"],
            "metrics": {},
            "paths": [str(record.path) for record in comparison.members[number]],
        }
        if comparison.verdicts:
            group[VERDICT] = comparison.verdicts[number] or None
            group[f"{VERDICT}s"] = [comparison.judged[record.path].label for record in comparison.members[number]]
        for metric in comparison.metrics:
            n, mean, low, high, never = next(estimates)
            group["metrics"][metric.name] = _estimate(n, mean, low, high)
            if metric.average == "reached":
                group["metrics"][metric.name]["never"] = int(never)
        if baseline:
            partner = baseline.partner[number]
            group["baseline"] = {
                "state": baseline.states[number],
                "settings": {}
                if partner is None
                else {k: _plain(comparison.groups[k].iat[partner]) for k in comparison.settings},
                "differences": {m.name: _estimate(*baseline.differences[number, m.name]) for m in comparison.metrics},
            }
        groups.append(group)
    content = {
        "constants": {key: _plain(value) for key, value in comparison.constants.items()},
        "settings": comparison.settings,
        "metrics": {
            m.name: {"unit": m.unit, "average": m.average, "definition": m.definition} for m in comparison.metrics
        },
        "baseline": baseline.words if baseline else None,
        "groups": groups,
        "notes": comparison.notes,
    }
    return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False, default=str) + "\n"


def _estimate(n: float, mean: float, low: float, high: float) -> dict[str, Any]:
    return {"n": int(n), "mean": _number(mean), "low": _number(low), "high": _number(high)}


def _plain(value: Any) -> Any:
    return _number(value) if isinstance(value, float) else value


def _number(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return str(value) if math.isinf(value) else value
