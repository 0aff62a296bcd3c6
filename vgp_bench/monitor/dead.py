"""Dead units: zero for every input of a fixed probe set.

A zero is no death: a healthy ReLU net with zero biases has half its outputs at zero. A unit (a neuron, a channel over
all its positions, or a feature over all time steps) counts as dead when no probe input makes it anything but zero (Lu
et al. 2019).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from vgp_bench.architectures.stages import Stage
from vgp_bench.components.activations import activation_modules
from vgp_bench.components.units import unit_dimension


def dead_fractions(model: nn.Module, stages: Sequence[Stage], images: Tensor) -> list[float]:
    """For each stage the share of its units that are zero on all images; NaN for a stage without activation.

    images: (n, channels, height, width), normalized, or sequences (n, length, features). The network is seen as it
    trains, in its present mode: batch normalization uses the statistics of the probe set. Buffers and random state are
    put back afterwards.
    """
    alive: list[dict[nn.Module, Tensor]] = [{} for _ in stages]

    def note(units: dict[nn.Module, Tensor], module: nn.Module, output: Tensor) -> None:
        speaks = (output != 0).movedim(unit_dimension(output), 0).flatten(1).any(1)
        # A recurrent cell runs once a time step: the same units again, alive if they speak at any of them.
        units[module] = speaks | units[module] if module in units else speaks

    handles = [
        module.register_forward_hook(lambda module, i, output, units=units: note(units, module, output))
        for stage, units in zip(stages, alive, strict=True)
        for module in activation_modules(stage.module)
    ]
    try:
        with torch.no_grad(), untouched(model):
            model(images)
    finally:
        for handle in handles:
            handle.remove()
    shares = [torch.cat([*units.values()]).double().mean() for units in alive if units]
    read = iter(torch.stack(shares).tolist() if shares else [])  # all at once: on CUDA each reading is a wait
    return [1 - next(read) if units else float("nan") for units in alive]


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Put the model's buffers (running statistics) and the random state back on leaving."""
    saved = [(buffer, buffer.clone()) for buffer in model.buffers()]
    devices = {parameter.device for parameter in model.parameters() if parameter.device.type == "cuda"}
    with torch.random.fork_rng(devices=sorted(devices, key=str)):
        try:
            yield
        finally:
            for buffer, value in saved:
                buffer.copy_(value)
