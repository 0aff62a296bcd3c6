"""The figures of a page: every kind that has something to show, as a small PNG."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from vgp_bench.compare import Comparison
from vgp_bench.errors import UserError
from vgp_bench.report.drawing.panels import MOST, facets
from vgp_bench.report.drawing.saving import rendering
from vgp_bench.report.plots.kind import kinds
from vgp_bench.report.series.part import part

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 150
COLOURS = 128
"""Colours of a palette: enough for lines and heat maps, and a third of the size of true colour."""


class Picture(NamedTuple):
    """A kind of figure, drawn. data: PNG as base64; width, height: CSS pixels."""

    name: str
    help: str
    data: str
    width: int
    height: int


def pictures(comparison: Comparison, progress: Callable[[str], Any]) -> tuple[list[Picture], list[tuple[str, str]]]:
    """The pictures, the gradient along depth first, and, for the kinds these runs cannot show, the reason."""
    drawn, undrawn = [], []
    for kind in sorted(kinds().values(), key=lambda kind: (kind.name != "gradient-depth", kind.name)):
        progress(kind.name)
        for sheet in _sheets(comparison) if kind.panel_a_group else [comparison]:
            fixed = [f"{key}={sheet.constants[key]}" for key in comparison.settings if key in sheet.constants]
            name = ", ".join([kind.name, *fixed])
            try:
                picture = png(kind.figure(sheet))
            except UserError as error:  # and ResultsError, which is one
                undrawn.append((name, str(error)))
            else:
                drawn.append(Picture(name, kind.help, *picture))
    return drawn, undrawn


def _sheets(comparison: Comparison) -> list[Comparison]:
    """Comparisons of few enough groups for a panel each, an architecture at a time if they are too many together."""
    if len(comparison.groups) <= MOST:
        return [comparison]
    parts = []
    for _, groups in facets(comparison):
        for start in range(0, len(groups), MOST):
            parts.append(part(comparison, groups[start : start + MOST]))
    return parts


def png(figure: Figure) -> tuple[str, int, int]:
    from PIL import Image

    raw, small = io.BytesIO(), io.BytesIO()
    with rendering():
        figure.savefig(raw, format="png", dpi=DPI)
    image = Image.open(raw).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    image.save(small, format="png", optimize=True)
    scale = 96 / DPI * 1.25  # a little larger than printed: a screen is further away
    return base64.b64encode(small.getvalue()).decode(), round(image.width * scale), round(image.height * scale)
