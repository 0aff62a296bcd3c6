"""A figure against the levels of a grid key, such as the depth: a point a level, with the range over the seeds."""

from collections.abc import Mapping
from typing import Any

from vgp_bench.claims.drawing.curves import Curve


def level_curve(name: str, levels: Mapping[Any, Mapping[int, float]]) -> Curve:
    """levels: value of the key -> seed -> figure, as Evidence.along gives them."""
    seeds = sorted({seed for values in levels.values() for seed in values})
    nothing = float("nan")
    values = [[at.get(seed, nothing) for at in levels.values()] for seed in seeds]
    return Curve(name, [float(level) for level in levels], values)
