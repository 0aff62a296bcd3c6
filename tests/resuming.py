"""Help for tests of runs that are broken off: small runs, and what of them must be the same to the bit."""

import hashlib
import math
from pathlib import Path
from typing import Any

import torch

from tests.composing import compose
from vgp_bench.outcome import Outcome
from vgp_bench.records.reading import read_run
from vgp_bench.records.rows import TABLES
from vgp_bench.run import perform
from vgp_bench.training.loop import Loop

CLOCKS = ("images_per_second", "seconds", "peak_memory_bytes")
"""Figures that say how fast a run was: no two runs have the same."""

IMAGES = [
    "dataset.train_size=64",
    "dataset.validation_size=32",
    "dataset.test_size=32",
    "trainer.batch_size=16",
    "trainer.max_epochs=3",
    "monitor.probe_images=16",
    "monitor.every=2",
    "monitor.dense_steps=3",
    "device=cpu",
]
MLP = ["architecture.depth=2", "architecture.width=8", *IMAGES]


class Killed(BaseException):
    """Ends a run on the spot, as nothing in the package expects it: to the record it is a kill."""


def performed(*words: str, results: str = "results", die_after: float = math.inf) -> Outcome | None:
    """A run of these words, whole or dead once `die_after` steps are done (None then)."""

    def announce(total: int) -> Any:
        done = 0

        def count(steps: int, loss: float) -> None:
            nonlocal done
            done += steps
            if done >= die_after:
                raise Killed

        return count

    try:
        return perform(compose(*words, results=results), ["vgp-bench"], announce)
    except Killed:
        return None


def the_run(results: str = "results") -> Path:
    (status,) = Path(results).rglob("status.json")
    return status.parent


def fingerprint(run: Path) -> dict[str, Any]:
    """All that a run recorded but its clocks, bits and all: NaN equals NaN, 0 does not equal -0."""
    record = read_run(run)
    assert record.summary is not None, record.reason
    found: dict[str, Any] = {"state": record.state, "reason": record.reason}
    found["summary"] = {k: v for k, v in record.summary.as_json().items() if k not in CLOCKS}
    for table in TABLES:
        for name, values in record.columns(table).items():
            if name not in CLOCKS:
                text = repr(values.tolist()).encode() if values.dtype == object else values.tobytes()
                found[f"{table}.{name}"] = (len(values), hashlib.sha256(text).hexdigest())
    return found


def weights(loop: Loop) -> str:
    """A hash of every parameter and buffer."""
    digest = hashlib.sha256()
    for name, tensor in sorted(loop.model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
