"""What a figure shows, read off its parts."""

import matplotlib.image
import numpy as np

from vgp_bench.compare import compare
from vgp_bench.records.reading import find_runs
from vgp_bench.report.drawing.saving import save


def drawn(kind, folder, *steps):
    """The figure of all runs in a folder, rendered once: what cannot be drawn fails here."""
    return drawn_runs(kind, find_runs([folder]), *steps)


def drawn_runs(kind, runs, *steps):
    """The same of these runs."""
    figure = kind.figure(compare(runs), steps)
    figure.draw_without_rendering()
    return figure


def lines_of(figure, gid="curve"):
    """The lines of a figure, or of one of its panels."""
    axes = figure.axes if hasattr(figure, "get_suptitle") else [figure]
    return [line for ax in axes for line in ax.get_lines() if line.get_gid() == gid]


def legend_of(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def title_of(figure):
    return figure.legends[0].get_title().get_text() if figure.legends else figure.get_suptitle()


def told(figure):
    """What stands on the panels."""
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def notes_of(figure):
    """The lines below the panels on what is not in the picture."""
    return [line for text in figure.texts if text.get_gid() == "note" for line in text.get_text().split("\n")]


def ink(figure, folder, colour):
    """Pixels of this colour (#rrggbb) in the PNG."""
    pixels = matplotlib.image.imread(save(figure, folder / "figure.png"))[:, :, :3]
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return int((np.abs(pixels - rgb).max(axis=2) < 0.02).sum())
