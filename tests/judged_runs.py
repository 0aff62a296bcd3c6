"""Run directories with a known verdict: what is wrong with them was put in by hand."""

import math
from pathlib import Path
from typing import Any

from tests.made_runs import make_run, mlp_config, probe_rows, step_rows

CHANCE = math.log(10)
FALLING = [CHANCE * 0.95**step for step in range(40)]
STANDING = [CHANCE] * 40


def healthy(folder: Path, seed: int = 0, depth: int = 3, **keys: Any) -> Path:
    """The loss falls to a seventh, and every stage moves the outputs."""
    config = mlp_config(seed, depth, "ReLU", **keys)
    probes = [row for step in (0, 39) for row in probe_rows([1.0] * depth, step)]
    return make_run(folder, config, steps=step_rows(FALLING), probes=probes, chance_loss=CHANCE, test_accuracy=0.9)


def vanished(folder: Path, seed: int = 0, depth: int = 6, **keys: Any) -> Path:
    """The loss stands at chance; S falls by two decades a stage from .1 down, outputs have 1: a reach of 1e-11."""
    config = mlp_config(seed, depth, "Sigmoid", **keys)
    sensitivity = [10.0 ** (-1 - 2 * (depth - 1 - stage)) for stage in range(depth)]
    probes = [row for step in (0, 39) for row in probe_rows(sensitivity, step)]
    return make_run(folder, config, steps=step_rows(STANDING), probes=probes, chance_loss=CHANCE, test_accuracy=0.1)


def unprobed(folder: Path, seed: int = 0) -> Path:
    """The loss stands at chance, and there are no probes: recorded before there was such a table."""
    path = make_run(folder, mlp_config(seed, 9), steps=step_rows(2 * STANDING), chance_loss=CHANCE, test_accuracy=0.1)
    (path / "probes.parquet").unlink(missing_ok=True)
    return path


def broken_late(folder: Path) -> Path:
    """Falls for 40 steps; then the loss is NaN."""
    rows = step_rows([*FALLING, math.nan])
    probes = probe_rows([1.0] * 3)
    return make_run(folder, mlp_config(0, 3, "Tanh"), state="diverged", steps=rows, probes=probes, chance_loss=CHANCE)
