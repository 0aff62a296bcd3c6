"""The lines below a table that say what its cells mean."""

from collections.abc import Sequence

from vgp_bench.compare import STATES, Baseline, Comparison, Metric
from vgp_bench.compare.metrics import VERDICT
from vgp_bench.report.tables.formats import Signs


def explanations(
    comparison: Comparison, metrics: Sequence[Metric], signs: Signs, baseline: Baseline | None, columns: Sequence[str]
) -> list[tuple[str, frozenset[str]]]:
    """A line each on n, the interval, what did not complete, was never reached, or differs; with the metrics meant."""
    groups = comparison.groups
    notes: list[tuple[str, frozenset[str]]] = []

    def tell(text: str, about: Sequence[Metric] = ()) -> None:
        notes.append((text, frozenset(metric.name for metric in about)))

    if (comparison.estimates["n"] >= 3).any():
        tell(f"n: completed runs, one a seed; {signs.plus_minus}: 95 % t interval of the mean (n >= 3)")
        factors = [metric for metric in metrics if metric.geometric]
        if factors:
            tell(f"{signs.times_over}: that interval as a factor", factors)
    else:
        tell("n: completed runs, one a seed; no interval below n = 3")
    counts = groups["n"].unique().tolist()
    if columns:
        verdict = [VERDICT] if comparison.verdicts and comparison.chosen else []
        shown = " and ".join([*verdict, *(" ".join(metric.header) for metric in metrics)])
        each = f"n = {counts[0]} in each cell" if len(counts) == 1 else "n differs and stands in the cells"
        tell(f"columns: {', '.join(columns)}; cells: {shown}; {each}; empty: no such runs")
    unfinished = sum(groups[state].sum() for state in STATES if state != "completed")
    initial = [metric for metric in metrics if any("@init" in line for line in metric.header)]
    if unfinished and initial:
        tell("@init also counts the runs that did not complete", initial)
    for metric in metrics:
        if metric.average == "reached" and comparison.estimates.xs(metric.name, level="metric")["never"].any():
            tell(
                f"{' '.join(metric.header)}: mean over the runs that reached it, (k of n) says how many; "
                "without interval, as the others would have taken longer",
                [metric],
            )
    if baseline is not None and metrics:
        tell(
            f"diff: to the runs with {baseline.name} and otherwise the same settings, seed by seed; pairs: seeds "
            f"completed in both; mean of the differences, {signs.plus_minus} their 95 % t interval (3 pairs or more)"
        )
        factors = [metric for metric in metrics if metric.geometric]
        if factors:
            tell(f"diff of ratios and decays: the paired factor {signs.times}, interval on its logarithm", factors)
        if "none" in baseline.states:
            tell("pairs none: no runs with the baseline's values and otherwise the same settings, or several")
    return notes
