"""The interactive view: the gradient of chosen runs along depth, and of recurrent ones through time, at the training
step a slider stands at.

Python gives the numbers and an empty figure with named data sources, page.js fills them as the slider moves.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from vgp_bench.compare import Comparison
from vgp_bench.records.reading import RunRecord
from vgp_bench.records.signal import hidden_gradient, logged_steps
from vgp_bench.records.time_signal import last_layer
from vgp_bench.report.drawing.panels import facets
from vgp_bench.report.drawing.style import Look, dashes
from vgp_bench.report.series.band import Array
from vgp_bench.report.series.time_profile import probed_steps, relative
from vgp_bench.report.tables.signal_flow import thinned

BUDGET = 120_000
"""Numbers on the page, over all runs: about 0.8 MB of text. Beyond it, fewer of the logged steps are kept."""

FEWEST_STEPS, MOST_LAGS = 10, 200

AXES = {
    "depth": ("depth", "depth (weight layers; output on the right)", "gradient norm / last hidden stage"),
    "time": ("lag", "lag (time steps; end of the sequence on the right)", "gradient norm / last time step"),
}
"""Kind of panel -> what it is drawn against, and the labels of its axes."""


class Track(NamedTuple):
    """What is drawn of one run. x: depths, or lags; values: logged step -> one number for each of them."""

    kind: str
    group: int
    record: RunRecord
    x: Array
    values: dict[int, Array]


def signal_data(comparison: Comparison, looks: Sequence[Look]) -> dict[str, Any]:
    """What the slider moves through, ready for JSON: steps, panels (title and kind) and a list of runs.

    Of each run: group, panel, seed, colour, dash; x (weight layers, one a hidden stage, or lags); steps kept;
    gradient[step][x], ||dL/dh||_2 relative to the last hidden stage, or to the last time step, in three digits, null
    where it is not finite. Networks of one hidden stage have no gradient along depth, recurrent ones one through time;
    a run can have both.
    """
    tracks = [
        track
        for group, members in enumerate(comparison.members)
        for record in members
        for track in (_along_depth(group, record), _through_time(group, record))
        if track is not None
    ]
    most = max(FEWEST_STEPS, BUDGET // max(sum(len(track.x) for track in tracks), 1))
    panels, runs = [], []
    for kind in AXES:
        its = [track for track in tracks if track.kind == kind]
        for title, groups in facets(comparison, sorted({track.group for track in its})) if its else []:
            panels.append({"kind": kind, "title": ", ".join(filter(None, (title, "through time" * (kind == "time"))))})
            runs += [_run(track, len(panels) - 1, looks[track.group], most) for track in its if track.group in groups]
    return {"steps": sorted({step for run in runs for step in run["steps"]}), "panels": panels, "runs": runs}


def _along_depth(group: int, record: RunRecord) -> Track | None:
    layers = record.columns("layers")
    depth, _ = hidden_gradient(layers, "first")
    if len(depth) < 2:
        return None
    return Track(
        "depth", group, record, depth, {s: _over_last(hidden_gradient(layers, s)[1]) for s in logged_steps(layers)}
    )


def _through_time(group: int, record: RunRecord) -> Track | None:
    times = record.columns("times")
    found = {step: last_layer(times, step, "state_gradient_l2") for step in probed_steps(times)}
    found = {step: (lag, gradient) for step, (lag, gradient) in found.items() if len(lag) > 1}
    if not found:
        return None
    lag = next(iter(found.values()))[0]
    kept = thinned(len(lag), MOST_LAGS)
    return Track("time", group, record, lag[kept], {step: relative(g)[kept] for step, (_, g) in found.items()})


def _run(track: Track, panel: int, look: Look, most: int) -> dict[str, Any]:
    steps = sorted(track.values)
    kept = [steps[i] for i in thinned(len(steps), most)]
    return {
        "group": track.group,
        "panel": panel,
        "seed": track.record.seed,
        "colour": look.colour,
        "dash": dashes(look.line),
        "x": [int(value) for value in track.x],
        "steps": kept,
        "gradient": [[rounded(value) for value in track.values[step]] for step in kept],
    }


def _over_last(gradient: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(gradient == 0, 0.0, gradient / gradient[-1])


def rounded(value: float) -> float | None:
    """Three digits, which is what a screen can show; None, null in JSON, for what is not finite."""
    return float(f"{value:.3g}") if np.isfinite(value) else None


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
