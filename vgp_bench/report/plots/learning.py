"""Learning curves: training loss, and validation accuracy or loss, against the optimizer step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vgp_bench.compare import STATES, Comparison
from vgp_bench.errors import ResultsError
from vgp_bench.records.signal import Step
from vgp_bench.report.drawing.curves import draw_band, step_x
from vgp_bench.report.drawing.ends import draw_ends, each_once
from vgp_bench.report.drawing.guides import guide, percent_y
from vgp_bench.report.drawing.legend import STEP_AXIS, explain, seeds_in_words
from vgp_bench.report.drawing.log_axis import logarithmic
from vgp_bench.report.drawing.looks import has_markers, looks
from vgp_bench.report.drawing.missing import left_out
from vgp_bench.report.drawing.panels import facet_key, facets, sheet
from vgp_bench.report.drawing.style import drawing
from vgp_bench.report.plots.kind import Kind
from vgp_bench.report.series.band import Band
from vgp_bench.report.series.learning_curves import Learning, chance_levels, learning, validation_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELS = {"validation_accuracy": "validation accuracy, %", "validation_loss": "validation loss"}

BLOWN_UP = 1e3
"""A loss this many times that of the start or of chance leaves the panel at the top: all others must stay legible."""


def draw(comparison: Comparison, steps: Sequence[Step]) -> Figure:
    """Training loss above, logarithmic, validation below; a line a group, the mean over seeds, in a band from the least
    to the greatest.

    Seeds that ended early count as far as they came, and their end is marked. A dotted line is the level of an answer
    that ignores the input, where the runs know it.
    """
    members = [record for group in comparison.members for record in group]
    figure_of_validation = validation_figure(members)
    found = [learning(group, figure_of_validation) for group in comparison.members]
    losses = [curves.loss for curves in found if curves.loss]
    validations = [curves.validation for curves in found if curves.validation]
    if not losses and not validations:
        raise ResultsError("no step or epoch was recorded in these runs: there is no learning curve to draw")
    shown = [i for i, curves in enumerate(found) if curves.loss or curves.validation]
    panels, facet = facets(comparison, shown), facet_key(comparison)
    chosen, channels = looks(comparison, facet, shown)
    notes = left_out(comparison, "not recorded", [i for i in comparison.groups.index if i not in shown])
    with drawing():
        labels = [_loss_label(found), LABELS[figure_of_validation]]
        figure, rows = sheet([title for title, _ in panels], STEP_AXIS, labels, sharey="row")
        others: list[Any] = []
        for row, axes in enumerate(rows):
            chance = ("chance_loss", figure_of_validation.replace("validation", "chance"))[row]
            for (_, groups), ax in zip(panels, axes, strict=True):
                here = [record for i in groups for record in comparison.members[i]]
                scale = 100 if chance == "chance_accuracy" else 1
                others += [guide(ax, scale * level, "chance") for level in chance_levels(here, chance)]
                for i in groups:
                    if band := (found[i].loss, found[i].validation)[row]:
                        draw_band(ax, band, chosen[i], comparison.name(i), marked=has_markers(channels))
                    others += draw_ends(ax, [(e.state, *(e.loss, e.validation)[row]) for e in found[i].ends], chosen[i])
            none = [i for i in shown if (found[i].loss, found[i].validation)[row] is None]
            notes += left_out(comparison, f"{('loss', 'validation')[row]} not recorded", none)
        loss_axes = rows[0] if figure_of_validation == "validation_accuracy" else [ax for axes in rows for ax in axes]
        for ax in loss_axes:
            _loss_y(ax, losses if ax in rows[0] else validations)
        if figure_of_validation == "validation_accuracy":
            percent_y(rows[1])
        step_x([ax for axes in rows for ax in axes], max(band.x[-1] for band in [*losses, *validations]))
        seeds = seeds_in_words(losses or validations, "mean")
        explain(figure, f"Learning, {seeds}", channels, losses, each_once(others), notes)
    return figure


def _loss_label(found: Sequence[Learning]) -> str:
    windows = sorted({curves.window for curves in found if curves.loss})
    if windows in ([], [1]):
        return "training loss"
    many = str(windows[0]) if len(windows) == 1 else f"{windows[0]} to {windows[-1]}"
    return f"training loss\n(mean over {many} steps)"


def _loss_y(ax: Axes, bands: Sequence[Band]) -> None:
    guides = [np.asarray(line.get_ydata(), dtype=float) for line in ax.get_lines() if line.get_gid() == "guide"]
    values = np.concatenate(
        [np.empty(0), *guides, *(part for band in bands for part in (band.low, band.high, band.middle))]
    )
    values = values[np.isfinite(values) & (values > 0)]
    if len(values):
        healthy = max([float(guide.max()) for guide in guides] + [float(band.middle[0]) for band in bands])
        logarithmic(ax, "y", float(values.min()), min(float(values.max()), BLOWN_UP * healthy))
        for line in ax.get_lines():
            if line.get_gid() in STATES:
                line.set_ydata(np.minimum(np.asarray(line.get_ydata(), dtype=float), ax.get_ylim()[1]))
                line.set_clip_on(False)


KIND = Kind(
    name="learning",
    help="training loss and validation accuracy (of a regression: loss) against the optimizer step",
    draw=draw,
    tables=("steps", "epochs"),
)
