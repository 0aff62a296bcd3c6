"""The report: one HTML file that holds everything it shows, opens without a network, and can be mailed."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from vgp_bench.compare import STATES, Baseline, Comparison
from vgp_bench.diagnosis.runs import judge_run
from vgp_bench.errors import ResultsError, UserError
from vgp_bench.plural import plural
from vgp_bench.records.rows import TABLES
from vgp_bench.report.drawing.looks import looks
from vgp_bench.report.drawing.panels import facet_key
from vgp_bench.report.drawing.style import COLOURS, LINES, Look, dashes
from vgp_bench.report.output_file import write_text
from vgp_bench.report.page.embedding import bokeh_scripts, data_script
from vgp_bench.report.page.pictures import pictures
from vgp_bench.report.page.run_view import curve_figures, run_view
from vgp_bench.report.page.signal_figures import signal_figures
from vgp_bench.report.page.signal_view import signal_data
from vgp_bench.report.page.table import table
from vgp_bench.report.series.part import sound
from vgp_bench.version import __version__

ASSETS = Path(__file__).parent / "assets"

ALL_TICKED, TICKED = 30, 12
"""The interactive view shows all groups at first if there are so many, else the first few."""


def write_report(
    comparison: Comparison,
    path: str | Path,
    title: str,
    progress: Callable[[str], Any] = str,
    baseline: Baseline | None = None,
) -> Path:
    """Writes the page and returns its path.

    progress: told what is being drawn; baseline: what the table gives differences to. Raises UserError for a name that
    is no .html, ResultsError if the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"cannot write {path.name}: give a file name that ends in .html")
    text = page(comparison, title, progress, baseline)
    write_text(path, text)
    return path


def page(
    comparison: Comparison, title: str, progress: Callable[[str], Any] = str, baseline: Baseline | None = None
) -> str:
    """The page as text. Every text from a config, a file name or a message is escaped.

    A run with a damaged table is in the table and has its own entry, but is not in the pictures.
    """
    import jinja2
    import markupsafe

    chosen = _looks(comparison)
    names = [comparison.name(group) for group in comparison.groups.index]
    made = table(comparison, baseline)
    try:
        readable, problems = sound(comparison, tuple(TABLES))
    except ResultsError as error:
        readable, problems = replace(comparison, members=[[] for _ in comparison.members]), [str(error)]
    drawn, undrawn = pictures(readable, progress)
    progress("runs")
    views = [
        run_view(
            record,
            f"{names[group]}, seed {record.seed}",
            comparison.judged.get(record.path) or judge_run(record),
        )
        for group, members in enumerate(comparison.members)
        for record in members
    ]
    signal = signal_data(readable, chosen)
    ticked = len(names) if len(names) <= ALL_TICKED else TICKED
    data = {
        "groups": names,
        "signal": signal,
        "signalFigures": signal_figures(signal),
        "curves": [view.curves for view in views],
        "curveFigures": curve_figures(),
    }
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html.jinja").render(
        title=title,
        version=__version__,
        counts=_counts(comparison),
        constants=list(comparison.constants.items()),
        verdicts=_verdicts(comparison),
        headers=made.headers,
        rows=[
            {
                "group": group,
                "name": names[group],
                "cells": cells,
                "checked": group < ticked,
                "colour": chosen[group].colour,
                "dash": " ".join(str(3 * length) for length in dashes(chosen[group].line)),
            }
            for group, cells in enumerate(made.rows)
        ],
        notes=[*made.notes, *(f"{note} (in the table, not in the pictures)" for note in problems)],
        has_signal=bool(signal["runs"]),
        has_time=any(panel["kind"] == "time" for panel in signal["panels"]),
        pictures=drawn,
        undrawn=undrawn,
        runs=views,
        css=markupsafe.Markup((ASSETS / "page.css").read_text(encoding="utf-8")),
        script=markupsafe.Markup((ASSETS / "page.js").read_text(encoding="utf-8")),
        bokeh=markupsafe.Markup(bokeh_scripts()),
        data=markupsafe.Markup(data_script(data)),
    )


def _looks(comparison: Comparison) -> list[Look]:
    try:
        return looks(comparison, facet_key(comparison))[0]
    except UserError:
        # More groups than can be told apart at once: here few are shown at a time, and each has its name on it.
        return [Look(COLOURS[i % len(COLOURS)], LINES[i // len(COLOURS) % len(LINES)]) for i in comparison.groups.index]


def _counts(comparison: Comparison) -> str:
    states = Counter(comparison.runs["state"])
    told = ", ".join(f"{states[state]} {state}" for state in STATES if states[state])
    return f"{plural(len(comparison.runs), 'run')} of {plural(len(comparison.groups), 'config')}: {told}."


def _verdicts(comparison: Comparison) -> list[tuple[str, int]]:
    """How many runs have which verdict, the most frequent first; nothing if they were not judged."""
    runs = [comparison.judged[path] for path in comparison.runs["path"]] if comparison.judged else []
    return Counter(run.label for run in runs if not run.empty).most_common()
