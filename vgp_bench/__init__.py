"""vgp_bench: see where the learning signal of a deep network dies, why, and which remedy works."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vgp_bench.version import __version__ as __version__

if TYPE_CHECKING:
    from vgp_bench.frames import Frames
    from vgp_bench.live.monitor import Monitor as Monitor


def load(*paths: str | Path) -> "Frames":
    """Every run at or below these paths as tidy pandas frames: runs, steps, epochs, layers, times, histograms, probes.

    Raises errors.ResultsError if there is none. See vgp_bench.frames.
    """
    from vgp_bench import frames  # here, so that `import vgp_bench` costs nothing

    return frames.load(*paths)


def __getattr__(name: str) -> Any:
    if name == "Monitor":  # only here is torch imported
        from vgp_bench.live.monitor import Monitor

        return Monitor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
