"""What a run costs beyond its training: a sweep of tiny runs in one process."""

import contextlib
import io
import tempfile
import time

from vgp_bench.composition import compose
from vgp_bench.sweep import Sweep

RUNS = 16


def seconds_per_run() -> float:
    """Seconds a run of a sweep of 16 tiny runs that is neither training nor testing, imports and data already there."""
    words = ["architecture.depth=2", "architecture.width=16", "trainer.max_steps=1", "progress=false", "device=cpu"]
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        words.append(f"results_dir={folder}")
        Sweep(["warm-up"]).run_all(compose([*words, "seed=99"]))
        started = time.perf_counter()
        Sweep(["bench"]).run_all(compose(["-m", *words, f"seed=range({RUNS})"]))
        return (time.perf_counter() - started) / RUNS
