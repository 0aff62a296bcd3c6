"""What a run costs beyond its training: a sweep of tiny runs in one process; and what it costs to look at them."""

import contextlib
import io
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from vgp_bench.composition import compose
from vgp_bench.overview import overview
from vgp_bench.sweep import Sweep

RUNS = 1000


class Overhead(NamedTuple):
    """Seconds, measured on so many runs.

    a_run: of a sweep, composition included, that is neither training nor testing, imports and data being there; again:
    of a run of the same sweep once more, all of it finished; status: to read the state of all of them.
    """

    runs: int
    a_run: float
    again: float
    status: float

    def lines(self) -> list[str]:
        """For a table."""
        return [
            f"Overhead of a run in a sweep of {self.runs}: {self.a_run:.3f} s (bound .2 s); "
            f"of a finished one, called again: {self.again:.4f} s",
            "",
            f"Reading the status of {self.runs} runs: {self.status:.2f} s (bound 1 s)",
        ]


def overhead(runs: int = RUNS) -> Overhead:
    """Measured on runs without a step, which are built, tested and recorded."""
    words = ["architecture.depth=2", "architecture.width=16", "trainer.max_steps=0", "progress=false", "device=cpu"]
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        words.append(f"results_dir={folder}")
        Sweep(["warm-up"]).run_all(compose([*words, "seed=9999999"]))
        times = []
        for _ in range(2):
            started = time.perf_counter()
            Sweep(["bench"]).run_all(compose(["-m", *words, f"seed=range({runs})"]))
            times.append((time.perf_counter() - started) / runs)
        started = time.perf_counter()
        overview([Path(folder)])
        return Overhead(runs, *times, time.perf_counter() - started)
