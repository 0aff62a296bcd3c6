"""From the words of a claim to composed runs: every arm at every point of the grid with every seed."""

import copy
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from vgp_bench.claims.claim import Claim, Scale
from vgp_bench.composition import compose_each
from vgp_bench.config import ComposedRun
from vgp_bench.errors import ConfigError

EXPERIMENT = "reproduce"
"""All claims share one folder of runs, so that what two of them need is run once."""


@dataclass(frozen=True)
class Cell:
    arm: str
    point: Mapping[str, Any]
    seed: int
    composed: ComposedRun


def cells(claim: Claim, scale: Scale, seeds: int, words: Sequence[str] = (), broken: bool = False) -> list[Cell]:
    """The cells of a claim, seeds 0 to seeds - 1. words: of the whole call, such as results_dir=DIR; broken: spoil the
    arms that the claim's file names. Raises ConfigError for words that compose to nothing."""
    words_of = {
        # Its place is with the other claims, whatever else the words say.
        arm: [
            *scale.common,
            *own,
            *(scale.broken.get(arm, ()) if broken else ()),
            *words,
            f"experiment_name={EXPERIMENT}",
        ]
        for arm, own in scale.arms.items()
    }
    found = []
    for arm, base in zip(words_of, compose_each(list(words_of.values())), strict=True):
        for values in itertools.product(*scale.grid.values()):
            point = dict(zip(scale.grid, values, strict=True))
            # Composing takes a tenth of a second: what is only a value is set in the composed config.
            config = copy.deepcopy(base.config)
            for key, value in point.items():
                _set(config, key, value, claim.path.name)
            label = " ".join([claim.name, arm, *(f"{key.rpartition('.')[2]}={value}" for key, value in point.items())])
            for seed in range(seeds):
                named = f"{label} seed={seed}"
                found.append(Cell(arm, point, seed, replace(base, config={**config, "seed": seed}, label=named)))
    return found


def _set(config: dict[str, Any], key: str, value: Any, where: str) -> None:
    """Sets a dotted key that is there. Raises ConfigError for any other, such as a group: that needs an arm."""
    node, *_ = config, None
    *path, last = key.split(".")
    for part in path:
        node = node.get(part) if isinstance(node, dict) else None  # type: ignore[assignment]
    if not isinstance(node, dict) or last not in node or isinstance(node[last], dict):
        raise ConfigError(f"{where}: grid: {key}: no such key of a run; an option of a group is an arm")
    node[last] = value
