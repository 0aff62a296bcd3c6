"""Dead and saturated units against the optimizer step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

from vgp_bench.compare import Comparison
from vgp_bench.errors import ResultsError
from vgp_bench.records.signal import Step
from vgp_bench.report.drawing.curves import draw_band, step_x
from vgp_bench.report.drawing.ends import draw_ends, each_once
from vgp_bench.report.drawing.guides import percent_y
from vgp_bench.report.drawing.legend import STEP_AXIS, explain, seeds_in_words
from vgp_bench.report.drawing.looks import has_markers, looks
from vgp_bench.report.drawing.missing import left_out
from vgp_bench.report.drawing.panels import facet_key, facets, sheet
from vgp_bench.report.drawing.style import drawing
from vgp_bench.report.plots.kind import Kind
from vgp_bench.report.series.unit_shares import Share, share_ends, unit_shares

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LABELS = ["dead units, %", "saturated units, %"]

NOTHING = (
    "no dead or saturated units were counted in these runs: run them with the monitor on; with it on, recurrent "
    "networks in torch's fused kernels show none (see README)"
)


def draw(comparison: Comparison, steps: Sequence[Step]) -> Figure:
    """Dead units above, with a marker at each probed step; saturated ones below. Means over the hidden stages; a line a
    group, the mean over seeds, in a band from the least to the greatest. Steps at which activations were not finite are
    left out, and the ends of runs that did not complete are marked.
    """
    found = [[unit_shares(members, share) for members in comparison.members] for share in get_args(Share)]
    bands = [band for row in found for band in row if band]
    if not bands:
        raise ResultsError(NOTHING)
    shown = [i for i in comparison.groups.index if any(row[i] for row in found)]
    panels, facet = facets(comparison, shown), facet_key(comparison)
    chosen, channels = looks(comparison, facet, shown)
    notes = left_out(comparison, "not measured", [i for i in comparison.groups.index if i not in shown])
    others: list[Any] = []
    with drawing():
        figure, rows = sheet([title for title, _ in panels], STEP_AXIS, LABELS)
        for row, (share, axes, measured) in enumerate(zip(get_args(Share), rows, found, strict=True)):
            for (_, groups), ax in zip(panels, axes, strict=True):
                for i in groups:
                    if band := measured[i]:
                        # Units are probed at few steps: a straight line between two of them was not seen.
                        draw_band(ax, band, chosen[i], comparison.name(i), marked=row == 0 or has_markers(channels))
                    others += draw_ends(ax, share_ends(comparison.members[i], share), chosen[i])
            name = share.replace("_fraction", " units not counted")
            notes += left_out(comparison, name, [i for i in shown if measured[i] is None])
        every = [ax for axes in rows for ax in axes]
        percent_y(every)
        step_x(every, max(band.x[-1] for band in bands))
        explain(
            figure,
            f"Dead and saturated units, mean over hidden stages; {seeds_in_words(bands, 'mean')}",
            channels,
            bands,
            each_once(others),
            notes,
        )
    return figure


KIND = Kind(
    name="dead-units",
    help="dead and saturated units, mean over hidden stages, against the optimizer step",
    draw=draw,
    tables=("layers",),
)
