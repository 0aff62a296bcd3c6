"""A comparison as columns of text: what every readable format shows, before it is laid out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from vgp_bench.compare import STATES, Baseline, Comparison, Estimate, Metric, Pivot
from vgp_bench.compare.keys import shown
from vgp_bench.compare.metrics import VERDICT
from vgp_bench.report.tables import formats
from vgp_bench.report.tables.formats import Signs
from vgp_bench.report.tables.table_notes import explanations

VERDICT_RANK = 2
"""After the test accuracy, before all figures that the verdict rests on."""


@dataclass(frozen=True)
class Column:
    """One column of text. header: its lines, top to bottom; rank: the highest is dropped first, 0 never.

    left: aligned to the left, as words are; setting: it says which runs the row is of; group: what the column and its
    neighbours of the same group have in common, such as the values of the column keys; metric: its name, if it is one.
    """

    header: tuple[str, ...]
    cells: list[str]
    rank: int = 0
    left: bool = False
    setting: bool = False
    group: str = ""
    metric: str = ""

    @property
    def title(self) -> str:
        return " ".join([self.group, *self.header]).strip()


@dataclass(frozen=True)
class Sheet:
    """above: what all runs share; columns: settings, counts, metrics; names: each row in words.

    unmeasured: metrics that no run has. explained: what cells mean, and the metrics it is about (none: always told);
    warnings: what a reader must know of the runs.
    """

    above: list[str]
    columns: list[Column]
    names: list[str]
    unmeasured: list[str] = field(default_factory=list)
    explained: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def notes(self, columns: Sequence[Column]) -> list[str]:
        """The lines below a table of these columns."""
        shown = {column.metric for column in columns}
        legend = [text for text, about in self.explained if not about or about & shown]
        missing = [f"not measured in any run: {', '.join(self.unmeasured)}"] if self.unmeasured else []
        return [*legend, *missing, *self.warnings]


def sheet(comparison: Comparison, signs: Signs, baseline: Baseline | None = None, layout: Pivot | None = None) -> Sheet:
    """The sheet of a comparison: a row a group, or rows and columns of `layout`."""
    above = [f"{key}={shown(value)}" for key, value in comparison.constants.items()]
    texts = Cells(comparison, signs, baseline)
    measured = [metric for metric in comparison.metrics if texts.measured(metric)]
    unmeasured = [" ".join(metric.header) for metric in comparison.metrics if metric not in measured]
    unmeasured += [VERDICT] if comparison.verdicts and not any(comparison.verdicts) else []
    if layout is None or not layout.columns:
        rows = [layout.cells[values, ()] for values in layout.row_values] if layout else list(comparison.groups.index)
        keys = layout.rows if layout else comparison.settings
        settings = [[_value(comparison, key, group) for group in rows] for key in keys]
        columns = [*_setting_columns(keys, settings), *_count_columns(comparison, rows, baseline)]
        columns += _verdict_column(comparison, rows)
        for metric in measured:
            columns.append(
                Column(metric.header, [texts.value(group, metric) for group in rows], metric.rank, metric=metric.name)
            )
            columns += _difference_column(texts, metric, rows, baseline)
        names = [comparison.name(group) for group in rows]
    else:
        if not comparison.chosen and measured:
            measured = measured[:1]
        columns = _pivot_columns(comparison, layout, texts, measured, baseline)
        names = [_words(layout.rows, values) for values in layout.row_values]
    explained = explanations(comparison, measured, signs, baseline, layout.columns if layout else ())
    return Sheet(above, columns, names, unmeasured, explained, comparison.notes)


class Cells:
    """The text of every estimate; all are looked up once."""

    def __init__(self, comparison: Comparison, signs: Signs, baseline: Baseline | None) -> None:
        self.signs, self.baseline = signs, baseline
        table = comparison.estimates
        self.estimates = {
            key: (Estimate(int(row[0]), *row[1:4]), int(row[4]))
            for key, row in zip(table.index, table.to_numpy().tolist(), strict=True)
        }
        self.n = comparison.groups["n"].tolist()
        self.states = [_not_completed(row) for row in comparison.groups[list(STATES)].to_dict("records")]

    def measured(self, metric: Metric) -> bool:
        return any(e.n or never for (_, name), (e, never) in self.estimates.items() if name == metric.name)

    def value(self, group: int, metric: Metric) -> str:
        """`97.8 ±0.4`; a metric that some of the n runs lack says of how many it is."""
        e, never = self.estimates[group, metric.name]
        if metric.average == "reached" and never:
            return formats.reached(e, never, self.signs)
        text = formats.cell(e, formats.form_of(metric), self.signs)
        return f"{text} (n={e.n})" if not metric.every_run and 0 < e.n < self.n[group] else text

    def difference(self, group: int, metric: Metric) -> str:
        assert self.baseline is not None
        e = self.baseline.differences[group, metric.name]
        text = formats.difference(e, metric, self.signs)
        return f"{text} (n={e.n})" if 0 < e.n < self.baseline.pairs[group] else text


def _pivot_columns(
    comparison: Comparison, layout: Pivot, texts: Cells, metrics: Sequence[Metric], baseline: Baseline | None
) -> list[Column]:
    settings = [[values[i] for values in layout.row_values] for i in range(len(layout.rows))]
    columns = _setting_columns(layout.rows, settings)
    verdicts = comparison.verdicts if comparison.chosen else []
    several = len(metrics) + bool(verdicts) > 1 or baseline is not None
    equal = len(set(texts.n)) == 1
    for values in layout.column_values:
        heading = _heading(layout.columns, values)
        name = ", ".join(heading) if several else ""
        groups = [layout.cells.get((row, values)) for row in layout.row_values]
        if verdicts:
            cells = ["" if group is None else verdicts[group] or formats.UNKNOWN for group in groups]
            columns.append(
                Column((VERDICT,) if several else tuple(heading), cells, left=True, group=name, metric=VERDICT)
            )
        for metric in metrics:
            cells = []
            for group in groups:
                if group is None:
                    cells.append("")
                    continue
                count = [] if equal else [f"n={texts.n[group]}"]
                beside = ", ".join([*count, *([texts.states[group]] if texts.states[group] else [])])
                text = texts.value(group, metric)
                cells.append(f"{text} ({beside})" if beside and "(n=" not in text else text)
            header = metric.header if several else tuple(heading)
            columns.append(Column(header, cells, group=name, metric=metric.name))
            if baseline:
                differences = ["" if group is None else _difference(texts, group, metric) for group in groups]
                columns.append(Column((*header, "diff"), differences, group=name, metric=metric.name))
    return columns


def _difference(texts: Cells, group: int, metric: Metric) -> str:
    assert texts.baseline is not None
    state = texts.baseline.states[group]
    return texts.difference(group, metric) if state.isdigit() else state


def _difference_column(texts: Cells, metric: Metric, rows: Sequence[int], baseline: Baseline | None) -> list[Column]:
    if baseline is None or not any(baseline.differences[group, metric.name].n for group in rows):
        return []
    cells = [texts.difference(group, metric) for group in rows]
    return [Column((*metric.header[:2], "diff"), cells, metric.rank, metric=metric.name)]


def _verdict_column(comparison: Comparison, rows: Sequence[int]) -> list[Column]:
    if not any(comparison.verdicts):
        return []
    cells = [comparison.verdicts[row] or formats.UNKNOWN for row in rows]
    return [Column((VERDICT,), cells, VERDICT_RANK, left=True, metric=VERDICT)]


def _setting_columns(keys: Sequence[str], values: Sequence[Sequence[Any]]) -> list[Column]:
    short = [key.rpartition(".")[2] for key in keys]
    repeated = Counter(short)
    columns = []
    for key, name, column in zip(keys, short, values, strict=True):
        numbers = all(isinstance(value, (int, float)) for value in column if value is not None)
        header = (name,) if repeated[name] == 1 else (key.rpartition(".")[0] + ".", name)
        columns.append(Column(header, [shown(value) for value in column], left=not numbers, setting=True))
    return columns


def _count_columns(comparison: Comparison, rows: Sequence[int], baseline: Baseline | None) -> list[Column]:
    groups = comparison.groups.to_dict("records")
    columns = [Column(("n",), [str(groups[row]["n"]) for row in rows])]
    others = [_not_completed(groups[row]) for row in rows]
    if any(others):
        columns.append(Column(("not", "completed"), others, left=True))
    if baseline:
        columns.append(Column(("pairs",), [baseline.states[row] for row in rows], left=True))
    return columns


def _not_completed(row: Any) -> str:
    return ", ".join(f"{row[state]} {state}" for state in STATES if state != "completed" and row[state])


def _value(comparison: Comparison, key: str, group: int) -> Any:
    return comparison.groups[key].iat[group] if key in comparison.groups else comparison.constants.get(key)


def _heading(keys: Sequence[str], values: Sequence[Any]) -> list[str]:
    """A word for each key: `mlp` says enough, `20` needs its key."""
    return [shown(v) if isinstance(v, str) else _words([key], [v]) for key, v in zip(keys, values, strict=True)]


def _words(keys: Sequence[str], values: Sequence[Any]) -> str:
    short = Counter(key.rpartition(".")[2] for key in keys)
    names = [key if short[key.rpartition(".")[2]] > 1 else key.rpartition(".")[2] for key in keys]
    return ", ".join(f"{name}={shown(value)}" for name, value in zip(names, values, strict=True)) or "all runs"
