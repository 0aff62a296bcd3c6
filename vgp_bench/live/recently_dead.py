"""Dead units of a network without a probe set: zero on every input of the last measured batches.

A training batch is too small to call a unit dead: one that speaks on 3 % of the inputs is silent on half the batches of
20. So the batches of several measured steps are taken together.
"""

import math
from collections import deque
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vgp_bench.architectures.stages import Stage
from vgp_bench.monitor.dead import DeadUnits

FEWEST, ENOUGH = 64, 512
"""Inputs (of dimension 0) below which nothing is said, and above which older batches are forgotten."""

Alive = list[dict[nn.Module, Tensor]]


class RecentlyDead:
    """add() the units of each measured batch, then fractions()."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = stages
        self._batches: deque[tuple[int, Alive]] = deque()

    def add(self, inputs: int, units: DeadUnits) -> None:
        """What DeadUnits saw in a batch of so many inputs."""
        self._batches.append((inputs, units.alive))
        while sum(n for n, _ in self._batches) - self._batches[0][0] >= ENOUGH:
            self._batches.popleft()

    def fractions(self) -> list[float]:
        """For each stage the share of units that were zero in all these batches; NaN without activation, or while
        there were too few inputs."""
        if sum(n for n, _ in self._batches) < FEWEST:
            return [math.nan] * len(self.stages)
        together = DeadUnits(self.stages)
        for _, alive in self._batches:
            for units, found in zip(together.alive, alive, strict=True):
                for module, speaks in found.items():
                    same = module in units and units[module].shape == speaks.shape
                    units[module] = torch.logical_or(units[module], speaks) if same else speaks
        return together.fractions()
