"""The figures of the interactive view, empty: page.js fills their named data sources as its slider moves.

The numbers are those of signal_view.py.
"""

from typing import Any

import numpy as np

AXES = {
    "depth": ("depth", "depth (weight layers; output on the right)", "gradient norm / last hidden stage"),
    "time": ("lag", "lag (time steps; end of the sequence on the right)", "gradient norm / last time step"),
}
"""Kind of panel -> what it is drawn against, and the labels of its axes."""


def signal_figures(data: dict[str, Any]) -> list[dict[str, Any]]:
    """A figure for each of data["panels"] as JSON for Bokeh, those of a kind on one scale.

    Their sources `lines`, `zeros` and `broken` are empty.
    """
    figures = []
    for panel in data["panels"]:
        runs = [run for run in data["runs"] if data["panels"][run["panel"]]["kind"] == panel["kind"]]
        values = [value for run in runs for row in run["gradient"] for value in row if value]
        low, high = min([*values, 0.1]), max([*values, 10.0])
        margin = 10 ** (0.04 * (np.log10(high) - np.log10(low)))
        span = (max(low / margin, 1e-307), min(high * margin, 1e307))
        last = max(run["x"][-1] for run in runs)
        x = (1 - 0.03 * last, last * 1.03) if panel["kind"] == "depth" else (last * 1.03, -0.03 * last)
        figures.append(_figure(panel["title"], panel["kind"], x, span))
    return figures


def _figure(title: str, kind: str, x: tuple[float, float], y: tuple[float, float]) -> dict[str, Any]:
    from bokeh.embed import json_item
    from bokeh.models import ColumnDataSource, HoverTool, Range1d
    from bokeh.models.annotations import Span
    from bokeh.plotting import figure

    name, across, upwards = AXES[kind]
    plot = figure(
        title=title or None,
        height=400,
        sizing_mode="stretch_width",
        y_axis_type="log",
        x_range=Range1d(start=x[0], end=x[1]),
        y_range=Range1d(start=y[0], end=y[1]),
        x_axis_label=across,
        y_axis_label=upwards,
        tools="pan,box_zoom,reset,save",
        toolbar_location="above",
        output_backend="svg",
        name="gradient",
    )
    plot.toolbar.logo = None
    plot.add_layout(Span(location=1.0, dimension="width", line_color="#999999", line_width=1))
    lines = ColumnDataSource({"xs": [], "ys": [], "colour": [], "dash": [], "name": []}, name="lines")
    drawn = plot.multi_line("xs", "ys", line_color="colour", line_dash="dash", line_width=2, source=lines)
    plot.add_tools(
        HoverTool(
            renderers=[drawn],
            tooltips=[("run", "@name"), (name, "$x{0}"), ("gradient", "$y")],
        )
    )
    for mark, marker in (("zeros", "inverted_triangle"), ("broken", "triangle")):
        source = ColumnDataSource({"x": [], "y": [], "colour": []}, name=mark)
        plot.scatter("x", "y", marker=marker, size=8, fill_color="colour", line_color="colour", source=source)
    return dict(json_item(plot))
