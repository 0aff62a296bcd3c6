"""What a run costs beyond its training: sweeps of tiny runs in one process; and what it costs to look at them.

In three sizes: a run must not cost more because the sweep is longer.
"""

import contextlib
import io
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from vgp_bench.composition import compose
from vgp_bench.overview import overview
from vgp_bench.overview_text import overview_text
from vgp_bench.sweep import Sweep

SIZES = (100, 400, 1000)


class Seconds(NamedTuple):
    """On the clock, and of a core, which other work on the machine does not lengthen as much."""

    clock: float
    core: float


class Sized(NamedTuple):
    """Of a sweep of so many runs.

    a_run: seconds of one, composition included, that is neither training nor testing, imports and data being there;
    again: of one of the same sweep once more, all of it finished; status: to read the state of all of them.
    """

    runs: int
    a_run: Seconds
    again: Seconds
    status: Seconds


class Overhead(NamedTuple):
    """Of sweeps of several sizes, smallest first."""

    sizes: Sequence[Sized]

    def lines(self) -> list[str]:
        """For a table. The ratio is that of CPU times."""
        least = self.sizes[0]
        head = f"| runs | a run, s | its CPU time, s | by that in {least.runs} | called again, s a run | status, s |"
        rows = []
        for one in self.sizes:
            figures = (
                f"{one.a_run.clock:.3f}",
                f"{one.a_run.core:.4f}",
                f"{one.a_run.core / least.a_run.core:.2f}",
                f"{one.again.clock:.4f}",
                f"{one.status.clock:.3f}",
            )
            rows.append(f"| {one.runs} | {' | '.join(figures)} |")
        what = "Overhead of a run of a sweep in one process (bound .2 s), and the status of all runs read (bound 1 s):"
        return [what, "", head, "|---|---|---|---|---|---|", *rows]


def overhead(sizes: Sequence[int] = SIZES) -> Iterator[Sized]:
    """Measured on runs without a step, which are built, tested and recorded."""
    return map(_sized, sizes)


def _sized(runs: int) -> Sized:
    words = ["architecture.depth=2", "architecture.width=16", "trainer.max_steps=0", "progress=false", "device=cpu"]
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        words.append(f"results_dir={folder}")
        Sweep(["warm-up"]).run_all(compose([*words, "seed=9999999"]))

        def sweep() -> None:
            Sweep(["bench"]).run_all(compose(["-m", *words, f"seed=range({runs})"]))

        a_run, again = (Seconds(*(seconds / runs for seconds in _time(sweep))) for _ in range(2))
        return Sized(runs, a_run, again, _time(lambda: overview_text(overview([Path(folder)]))))


def _time(function: Callable[[], object]) -> Seconds:
    clock, core = time.perf_counter(), time.process_time()
    function()
    return Seconds(time.perf_counter() - clock, time.process_time() - core)
