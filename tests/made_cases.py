"""Cases made by hand: the tables of a training of which everything is known."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vgp_bench.diagnosis.case import Case, empty_tables

CHANCE = float(np.log(10))


def losses_falling(steps: int = 100) -> list[float]:
    """A loss that falls from chance to a tenth of it."""
    return [CHANCE * 10 ** (-step / steps) for step in range(steps)]


def losses_stuck(steps: int = 100, level: float = CHANCE) -> list[float]:
    """A loss that stays where it is, with the noise of batches."""
    noise = np.random.default_rng(0).normal(0, 0.01, steps)
    return [float(level * (1 + e)) for e in noise]


def made_case(
    losses: Sequence[float] = (),
    *,
    stages: Sequence[Mapping[str, Any]] = (),
    probed: Sequence[int] = (0,),
    layers: Sequence[Mapping[str, Any]] = (),
    gradients: Sequence[float] | None = None,
    accuracies: Sequence[float] | None = None,
    times: Sequence[float] = (),
    **more: Any,
) -> Case:
    """stages: columns of `probes` for each stage, the last one the output, the same at each of the steps `probed`; of
    a healthy stage where they say nothing. layers: likewise of `layers`. times: ||dL/dh_t|| by lag, at those steps."""
    tables = empty_tables()
    n = len(losses)
    tables["steps"] = {
        "step": np.arange(n),
        "loss": np.array(losses, dtype=float),
        "accuracy": np.full(n, 0.1) if accuracies is None else np.array(accuracies, dtype=float),
        "gradient_l2": np.ones(n) if gradients is None else np.array(gradients, dtype=float),
    }
    tables["probes"] = _stage_table(stages, probed, HEALTHY)
    tables["layers"] = _stage_table(
        layers, probed, {"dead_fraction": 0.0, "update_ratio": 1e-3, "weight_gradient_l2": 1.0, "weight_l2": 1.0}
    )
    lags = np.arange(len(times))
    tables["times"] = {
        "step": np.repeat(np.array(probed), len(times)),
        "layer": np.full(len(times) * len(probed), "recurrent_1", dtype=object),
        "direction": np.full(len(times) * len(probed), "forward", dtype=object),
        "time": np.tile(len(times) - lags, len(probed)),
        "lag": np.tile(lags, len(probed)),
        "state_gradient_l2": np.tile(np.array(times, dtype=float), len(probed)),
        "cell_gradient_l2": np.full(len(times) * len(probed), np.nan),
    }
    return Case(tables, **{"chance_loss": CHANCE, **more})


HEALTHY = {
    "sensitivity": 10.0,
    "sample_gradient": 1.0,
    "input_share": 0.5,
    "unit_spread": 0.9,
    "weight_spread": 1.0,
    "slope_mean": 0.6,
    "saturated_units": 0.0,
}


def _stage_table(
    stages: Sequence[Mapping[str, Any]], probed: Sequence[int], usual: Mapping[str, Any]
) -> dict[str, Any]:
    count = len(stages)
    last = [f"layer_{number + 1}" for number in range(count - 1)] + ["classifier"]
    table: dict[str, Any] = {
        "step": np.repeat(np.array(probed, dtype=int), count),
        "stage": np.tile(np.arange(count), len(probed)),
        "name": np.tile(np.array(last[:count] if count else [], dtype=object), len(probed)),
        "kind": np.tile(np.array(["hidden"] * (count - 1) + ["output"] if count else [], dtype=object), len(probed)),
    }
    for name, value in usual.items():
        column = [float(stage.get(name, value)) for stage in stages]
        table[name] = np.tile(np.array(column), len(probed))
    return table
