"""One run on the page: what it was, how it ended, its curves. The curves are drawn when the run is unfolded."""

import json
from typing import Any, NamedTuple

import numpy as np
import yaml

from vgp_bench.diagnosis.runs import NO_PROBES, JudgedRun
from vgp_bench.diagnosis.sentences import told
from vgp_bench.errors import ResultsError
from vgp_bench.records.reading import RunRecord
from vgp_bench.records.signal import gradient_ratio, hidden_gradient, logged_steps
from vgp_bench.records.summary import Summary
from vgp_bench.report.page.description import description
from vgp_bench.report.page.signal_view import rounded
from vgp_bench.report.tables.signal_flow import thinned

POINTS = 160
"""Most points of one curve."""

CURVES = {
    "loss": ("training loss", "linear"),
    "accuracy": ("validation accuracy, %", "linear"),
    "ratio": ("gradient first / last layer", "log"),
}
"""Name of each curve -> label and scale of its axis."""


class RunView(NamedTuple):
    """Texts and numbers of one run, plain: whoever writes them into a page escapes them."""

    identity: str
    title: str
    state: str
    verdict: str
    diagnosis: list[tuple[str, str]]
    description: str
    figures: list[tuple[str, str]]
    config: str
    environment: str
    curves: dict[str, Any]
    problem: str


def run_view(record: RunRecord, title: str, judged: JudgedRun) -> RunView:
    """The view of one run with the verdict on it. A damaged table costs its curves, and is told, not the page."""
    problem, curves = "", {}
    try:
        curves = _curves(record)
    except ResultsError as error:
        problem = str(error)
    return RunView(
        identity=record.path.name,
        title=title,
        state=record.state,
        verdict=judged.label,
        diagnosis=_diagnosis(judged),
        description=description(record),
        figures=_figures(record.summary) if record.summary else [],
        config=yaml.safe_dump(record.config, sort_keys=False, allow_unicode=True),
        environment=json.dumps(record.environment, indent=1, ensure_ascii=False),
        curves=curves,
        problem=problem,
    )


def _diagnosis(judged: JudgedRun) -> list[tuple[str, str]]:
    """What the verdict rests on; nothing of a run of which not even a step is on record."""
    if judged.diagnosis is None or judged.empty:
        return []
    return [*told(judged.diagnosis), *([] if judged.probed else [("note", NO_PROBES)])]


def _figures(summary: Summary) -> list[tuple[str, str]]:
    return [
        (name, f"{value:.4g}" if isinstance(value, float) else f"{value}")
        for name, value in summary.as_json().items()
        if value is not None
    ]


def _curves(record: RunRecord) -> dict[str, Any]:
    steps, epochs, layers = (record.columns(table) for table in ("steps", "epochs", "layers"))
    logged = logged_steps(layers)
    kept = [logged[i] for i in thinned(len(logged), POINTS)]
    ratios = [gradient_ratio(hidden_gradient(layers, step)[1]) for step in kept]
    return {
        "loss": _curve(steps["step"], steps["loss"]),
        "accuracy": _curve(epochs["step"], 100 * np.asarray(epochs["validation_accuracy"], dtype=float)),
        "ratio": _curve(kept, ratios),
    }


def _curve(x: Any, y: Any) -> dict[str, list[float | None]]:
    kept = thinned(len(x), POINTS)
    return {"x": [int(x[i]) for i in kept], "y": [rounded(float(y[i])) for i in kept]}


def curve_figures() -> dict[str, Any]:
    """An empty figure for each of CURVES as JSON for Bokeh, with a source named `curve`."""
    from bokeh.embed import json_item
    from bokeh.models import ColumnDataSource, Range1d
    from bokeh.plotting import figure

    items = {}
    for name, (label, scale) in CURVES.items():
        # Ranges without data would make Bokeh complain; page.js sets them with the data.
        plot = figure(
            x_range=Range1d(start=0, end=1),
            y_range=Range1d(start=0.1, end=1),
            name="plot",
            height=220,
            sizing_mode="stretch_width",
            y_axis_type=scale,  # type: ignore[arg-type]
            x_axis_label="optimizer steps",
            y_axis_label=label,
            tools="pan,box_zoom,reset,save",
            toolbar_location=None,
            output_backend="svg",
        )
        source = ColumnDataSource({"x": [], "y": []}, name="curve")
        plot.line("x", "y", source=source, line_width=2, line_color="#0072B2")
        items[name] = {"item": dict(json_item(plot)), "log": scale == "log"}
    return items
