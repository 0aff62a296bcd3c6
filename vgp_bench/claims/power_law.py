"""The exponent of a power law, seed by seed: how a figure grows with depth."""

import math
from collections.abc import Mapping

import numpy as np


def exponents(levels: Mapping[float, Mapping[int, float]]) -> dict[int, float]:
    """level -> seed -> figure, all above 0, to seed -> slope of ln figure by ln level; NaN where one is missing."""
    seeds = dict.fromkeys(seed for figures in levels.values() for seed in figures)
    return {
        seed: _exponent(list(levels), [figures.get(seed, math.nan) for figures in levels.values()]) for seed in seeds
    }


def _exponent(x: list[float], y: list[float]) -> float:
    if len(x) < 2 or not all(value > 0 and math.isfinite(value) for value in y):
        return math.nan
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
