"""Which format is written by what."""

from collections.abc import Callable

from vgp_bench.compare import Baseline, Comparison, Pivot
from vgp_bench.report.tables import formats
from vgp_bench.report.tables.export_csv import to_csv
from vgp_bench.report.tables.export_json import to_json
from vgp_bench.report.tables.export_latex import to_latex
from vgp_bench.report.tables.export_markdown import to_markdown
from vgp_bench.report.tables.sheet import sheet
from vgp_bench.report.tables.table import render

Writer = Callable[[Comparison, Baseline | None, Pivot | None, bool], str]

ENDLESS = 10_000
"""Characters a line of a table in a file may have."""


def _table(comparison: Comparison, baseline: Baseline | None, layout: Pivot | None, to_file: bool) -> str:
    if to_file:
        return render(comparison, ENDLESS, formats.UNICODE, baseline, layout)
    return render(comparison, baseline=baseline, layout=layout)


def _csv(comparison: Comparison, baseline: Baseline | None, layout: Pivot | None, to_file: bool) -> str:
    return to_csv(comparison, baseline, layout)


def _json(comparison: Comparison, baseline: Baseline | None, layout: Pivot | None, to_file: bool) -> str:
    return to_json(comparison, baseline)


def _markdown(comparison: Comparison, baseline: Baseline | None, layout: Pivot | None, to_file: bool) -> str:
    return to_markdown(sheet(comparison, formats.UNICODE, baseline, layout))


def _latex(comparison: Comparison, baseline: Baseline | None, layout: Pivot | None, to_file: bool) -> str:
    return to_latex(sheet(comparison, formats.UNICODE, baseline, layout))


WRITERS: dict[str, Writer] = {"table": _table, "csv": _csv, "json": _json, "markdown": _markdown, "latex": _latex}
