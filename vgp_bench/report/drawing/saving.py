"""A figure as a file."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vgp_bench.errors import UserError
from vgp_bench.report.drawing.style import TEXT
from vgp_bench.report.output_file import to_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
DPI = 200


def check_suffix(path: str | Path) -> None:
    """Raises UserError unless a figure can be written to a file of this name; to ask before a figure is drawn."""
    if Path(path).suffix.lower() not in SUFFIXES:
        raise UserError(f"cannot draw {Path(path).name}: give a file name that ends in {', '.join(SUFFIXES)}")


@contextmanager
def rendering() -> Iterator[None]:
    """In it a figure can be written. Raises UserError where its words leave no room for the panels.

    That a letter is missing in matplotlib's font shows in the picture, and nobody can do anything about it.
    """
    import matplotlib

    with warnings.catch_warnings(), matplotlib.rc_context(TEXT):
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("error", message="constrained_layout not applied")
        try:
            yield
        except UserWarning as warning:
            raise UserError(
                "the words of this figure leave no room for its panels: choose fewer runs with --where"
            ) from warning


def save(figure: Figure, path: str | Path) -> Path:
    """Writes a .png, .svg or .pdf file, with the folders above it, and returns its path.

    Raises UserError for another suffix or a figure without room, ResultsError if the file cannot be written.
    """
    path = Path(path)
    check_suffix(path)
    with to_file(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with rendering():
            figure.savefig(path, dpi=DPI)
    return path
