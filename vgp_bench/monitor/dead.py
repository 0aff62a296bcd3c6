"""Dead units: zero for every input of a fixed probe set.

A zero is no death: a healthy ReLU net with zero biases has half its outputs at zero. A unit (a neuron, a channel over
all its positions, or a feature over all time steps) counts as dead when no probe input makes it anything but zero (Lu
et al. 2019).
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from vgp_bench.architectures.stages import Stage
from vgp_bench.components.activations import activation_modules
from vgp_bench.components.units import unit_dimension
from vgp_bench.monitor.readings import Readings


class DeadUnits:
    """A Watcher of the probe set: which units of each stage speak."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = stages
        self.alive: list[dict[nn.Module, Tensor]] = [{} for _ in stages]

    def register(self) -> list[RemovableHandle]:
        """A hook on every activation of every stage."""
        return [
            module.register_forward_hook(partial(self._on_activation, units))
            for stage, units in zip(self.stages, self.alive, strict=True)
            for module in activation_modules(stage.module)
        ]

    def _on_activation(
        self, units: dict[nn.Module, Tensor], module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor
    ) -> None:
        speaks = (output != 0).movedim(unit_dimension(output), 0).flatten(1).any(1)
        # A recurrent cell runs once a time step: the same units again, alive if they speak at any of them.
        units[module] = speaks | units[module] if module in units else speaks

    def fractions(self) -> list[float]:
        """For each stage the share of its units that are zero on all inputs; NaN for a stage without activation."""
        readings, shares = Readings(), list[float]()  # all at once: on CUDA each reading is a wait
        for units in self.alive:
            readings.put(torch.cat([*units.values()]).double().mean() if units else float("nan"), shares)
        readings.read()
        return [1 - share for share in shares]
