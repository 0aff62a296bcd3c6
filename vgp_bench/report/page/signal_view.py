"""The interactive view: the gradient along depth of chosen runs, at the training step a slider stands at.

Python gives the numbers and an empty figure with named data sources, page.js fills them as the slider moves.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vgp_bench.compare import Comparison
from vgp_bench.records.signal import hidden_gradient, logged_steps
from vgp_bench.report.drawing.style import Look, dashes
from vgp_bench.report.tables.signal_flow import thinned

BUDGET = 120_000
"""Numbers on the page, over all runs: about 0.8 MB of text. Beyond it, fewer of the logged steps are kept."""

FEWEST_STEPS = 10


def signal_data(comparison: Comparison, looks: Sequence[Look], panels: Sequence[Sequence[int]]) -> dict[str, Any]:
    """What the slider moves through, ready for JSON: steps, and a list of runs.

    panels: the groups drawn on each. Of each run: group, panel, seed, colour, dash; depth (weight layers, one a hidden
    stage); steps kept; gradient[step][stage], ||dL/dh_l||_2 relative to the last hidden stage in three digits, null
    where it is not finite.
    """
    measured = [
        (group, record, table, logged_steps(table))
        for group, members in enumerate(comparison.members)
        for record in members
        if logged_steps(table := record.columns("layers"))
    ]
    stages = sum(len(hidden_gradient(table, "first")[0]) for _, _, table, _ in measured)
    most = max(FEWEST_STEPS, BUDGET // max(stages, 1))
    runs = []
    for group, record, table, steps in measured:
        kept = [steps[i] for i in thinned(len(steps), most)]
        depth, _ = hidden_gradient(table, "first")
        runs.append(
            {
                "group": group,
                "panel": next(i for i, groups in enumerate(panels) if group in groups),
                "seed": record.seed,
                "colour": looks[group].colour,
                "dash": dashes(looks[group].line),
                "depth": [int(value) for value in depth],
                "steps": kept,
                "gradient": [_relative(hidden_gradient(table, step)[1]) for step in kept],
            }
        )
    return {"steps": sorted({step for run in runs for step in run["steps"]}), "runs": runs}


def _relative(gradient: Any) -> list[float | None]:
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(gradient == 0, 0.0, gradient / gradient[-1])
    return [rounded(value) for value in values]


def rounded(value: float) -> float | None:
    """Three digits, which is what a screen can show; None, null in JSON, for what is not finite."""
    return float(f"{value:.3g}") if np.isfinite(value) else None


def signal_figures(data: dict[str, Any], panels: Sequence[str]) -> list[dict[str, Any]]:
    """A figure for each panel as JSON for Bokeh, all on one scale, their sources `lines`, `zeros` and `broken` empty.

    panels: the titles; data["runs"] say by number on which of them they are drawn.
    """
    values = [value for run in data["runs"] for row in run["gradient"] for value in row if value]
    low, high = min([*values, 0.1]), max([*values, 10.0])
    margin = 10 ** (0.04 * (np.log10(high) - np.log10(low)))
    span = (max(low / margin, 1e-307), min(high * margin, 1e307))
    deepest = max((run["depth"][-1] for run in data["runs"]), default=1)
    return [_figure(title, (1 - 0.03 * deepest, deepest * 1.03), span) for title in panels]


def _figure(title: str, x: tuple[float, float], y: tuple[float, float]) -> dict[str, Any]:
    from bokeh.embed import json_item
    from bokeh.models import ColumnDataSource, HoverTool, Range1d
    from bokeh.models.annotations import Span
    from bokeh.plotting import figure

    plot = figure(
        title=title or None,
        height=400,
        sizing_mode="stretch_width",
        y_axis_type="log",
        x_range=Range1d(start=x[0], end=x[1]),
        y_range=Range1d(start=y[0], end=y[1]),
        x_axis_label="depth (weight layers; output on the right)",
        y_axis_label="gradient norm / last hidden stage",
        tools="pan,box_zoom,reset,save",
        toolbar_location="above",
        output_backend="svg",
        name="gradient",
    )
    plot.toolbar.logo = None
    plot.add_layout(Span(location=1.0, dimension="width", line_color="#999999", line_width=1))
    lines = ColumnDataSource({"xs": [], "ys": [], "colour": [], "dash": [], "name": []}, name="lines")
    drawn = plot.multi_line("xs", "ys", line_color="colour", line_dash="dash", line_width=2, source=lines)
    plot.add_tools(HoverTool(renderers=[drawn], tooltips=[("run", "@name"), ("depth", "$x{0}"), ("gradient", "$y")]))
    for name, marker in (("zeros", "inverted_triangle"), ("broken", "triangle")):
        source = ColumnDataSource({"x": [], "y": [], "colour": []}, name=name)
        plot.scatter("x", "y", marker=marker, size=8, fill_color="colour", line_color="colour", source=source)
    return dict(json_item(plot))
