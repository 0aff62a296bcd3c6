"""Dead units: zero for every input of a fixed probe set.

A zero is no death: a healthy ReLU net with zero biases has half its outputs at zero. A unit (a neuron, or a channel
over all its positions) counts as dead when no probe image makes it anything but zero (Lu et al. 2019).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from vgp_bench.architectures.stages import Stage
from vgp_bench.components.activations import activation_modules


def dead_fractions(model: nn.Module, stages: Sequence[Stage], images: Tensor) -> list[float]:
    """For each stage the share of its units that are zero on all images; NaN for a stage without activation.

    images: (n, channels, height, width), normalized. The network is seen as it trains, in its present mode: batch
    normalization uses the statistics of the probe images. Buffers and random state are put back afterwards.
    """
    alive: list[list[Tensor]] = [[] for _ in stages]

    def note(units: list[Tensor], output: Tensor) -> None:
        units.append((output != 0).transpose(0, 1).flatten(1).any(1))

    handles = [
        module.register_forward_hook(lambda m, i, output, units=units: note(units, output))
        for stage, units in zip(stages, alive, strict=True)
        for module in activation_modules(stage.module)
    ]
    try:
        with torch.no_grad(), untouched(model):
            model(images)
    finally:
        for handle in handles:
            handle.remove()
    return [1 - torch.cat(units).double().mean().item() if units else float("nan") for units in alive]


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Put the model's buffers (running statistics) and the random state back on leaving."""
    saved = [(buffer, buffer.clone()) for buffer in model.buffers()]
    devices = {parameter.device for parameter in model.parameters() if parameter.device.type == "cuda"}
    with torch.random.fork_rng(devices=sorted(devices, key=str)):
        yield
    for buffer, value in saved:
        buffer.copy_(value)
