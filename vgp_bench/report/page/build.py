"""The report: one HTML file that holds everything it shows, opens without a network, and can be mailed."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vgp_bench import __version__
from vgp_bench.compare import STATES, Comparison
from vgp_bench.errors import UserError
from vgp_bench.records.files import write_atomically, writing
from vgp_bench.report.drawing.panels import facet_key, facets
from vgp_bench.report.drawing.style import COLOURS, LINES, Look, dashes, looks
from vgp_bench.report.page.pictures import pictures
from vgp_bench.report.page.run_view import curve_figures, run_view
from vgp_bench.report.page.signal_view import signal_data, signal_figures
from vgp_bench.report.page.table import table

ASSETS = Path(__file__).parent / "assets"

TICKED = 16
"""Groups that the interactive view shows at first, if there are more."""


def write_report(comparison: Comparison, path: str | Path, title: str, progress: Callable[[str], Any] = str) -> Path:
    """Writes the page and returns its path.

    progress: told what is being drawn. Raises UserError for a name that is no .html, ResultsError if the file cannot
    be written.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"cannot write {path.name}: give a file name that ends in .html")
    text = page(comparison, title, progress)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode())
    return path


def page(comparison: Comparison, title: str, progress: Callable[[str], Any] = str) -> str:
    """The page as text. Every text from a config, a file name or a message is escaped."""
    import jinja2
    import markupsafe

    chosen = _looks(comparison)
    names = [comparison.name(group) for group in comparison.groups.index]
    made = table(comparison)
    drawn, undrawn = pictures(comparison, progress)
    progress("runs")
    views = [
        run_view(record, f"{names[group]}, seed {record.seed}")
        for group, members in enumerate(comparison.members)
        for record in members
    ]
    panels = facets(comparison)
    signal = signal_data(comparison, chosen, [groups for _, groups in panels])
    data = {
        "groups": names,
        "signal": signal,
        "signalFigures": signal_figures(signal, [name for name, _ in panels]),
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
        headers=made.headers,
        rows=[
            {
                "group": group,
                "name": names[group],
                "cells": cells,
                "checked": group < TICKED,
                "colour": chosen[group].colour,
                "dash": " ".join(str(3 * length) for length in dashes(chosen[group].line)),
            }
            for group, cells in enumerate(made.rows)
        ],
        notes=made.notes,
        has_signal=bool(signal["runs"]),
        pictures=drawn,
        undrawn=undrawn,
        runs=views,
        css=markupsafe.Markup((ASSETS / "page.css").read_text(encoding="utf-8")),
        script=markupsafe.Markup((ASSETS / "page.js").read_text(encoding="utf-8")),
        bokeh=markupsafe.Markup(_bokeh()),
        data=markupsafe.Markup(_json(data)),
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
    return f"{len(comparison.runs)} runs of {len(comparison.groups)} configs: {told}."


def _bokeh() -> str:
    """The script elements of the plotting library, whole."""
    from bokeh.resources import Resources

    scripts: str = Resources(mode="inline", components=["bokeh"], log_level="warn").render_js()
    return scripts


def _json(data: Any) -> str:
    # Inside a script element only "<" can do harm: it could end the element or open a comment.
    return json.dumps(data, allow_nan=False, separators=(",", ":"), default=str).replace("<", "\\u003c")
