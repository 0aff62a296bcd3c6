"""The interactive view: the gradient of chosen runs along depth, and of recurrent ones through time, at the training
step a slider stands at.

Here are its numbers. page.js fills them into the figures of signal_figures.py as the slider moves.
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

KINDS = ("depth", "time")
"""Of panels: what the gradient runs along."""


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
    for kind in KINDS:
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
