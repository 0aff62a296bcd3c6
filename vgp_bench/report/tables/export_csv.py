"""A comparison as CSV: one row a group, plain numbers, fractions as fractions; nothing measured is an empty cell."""

import csv
import io
import math

from vgp_bench.compare import STATES, Baseline, Comparison, Pivot
from vgp_bench.compare.metrics import VERDICT


def to_csv(comparison: Comparison, baseline: Baseline | None = None, layout: Pivot | None = None) -> str:
    """Settings under their full keys, counts, and of each metric: itself, _low, _high, _n, _never where it can be.

    If runs were judged: `verdict`, and `verdicts`, those of the counted runs in the order of their seeds.

    baseline: also `baseline` (itself, none, no common seed, or the pairs) and of each metric _diff, _diff_low,
    _diff_high and _diff_n. layout: only the order of the settings; a row is a group in any layout.
    """
    first = [*layout.rows, *layout.columns] if layout else []
    keys = [*first, *(key for key in comparison.settings if key not in first)]
    header = [*keys, *STATES, "n", *([VERDICT, f"{VERDICT}s"] if comparison.verdicts else [])]
    for metric in comparison.metrics:
        header += [metric.name, *(f"{metric.name}_{part}" for part in ("low", "high", "n"))]
        header += [f"{metric.name}_never"] if metric.average == "reached" else []
    if baseline:
        header.append("baseline")
        for metric in comparison.metrics:
            header += [f"{metric.name}_diff{part}" for part in ("", "_low", "_high", "_n")]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    estimates = iter(comparison.estimates.to_numpy().tolist())
    for group, row in enumerate(comparison.groups.to_dict("records")):
        settings = comparison.constants | row
        line = [*(settings.get(key) for key in keys), *(row[state] for state in STATES), row["n"]]
        if comparison.verdicts:
            labels = [comparison.judged[record.path].label for record in comparison.members[group]]
            line += [comparison.verdicts[group], "; ".join(labels)]
        for metric in comparison.metrics:
            n, mean, low, high, never = next(estimates)
            line += [_number(mean), _number(low), _number(high), int(n)]
            line += [int(never)] if metric.average == "reached" else []
        if baseline:
            line.append(baseline.states[group])
            for metric in comparison.metrics:
                e = baseline.differences[group, metric.name]
                line += [_number(e.mean), _number(e.low), _number(e.high), e.n]
        writer.writerow(line)
    return file.getvalue()


def _number(value: float) -> float | str:
    return "" if math.isnan(value) else value
