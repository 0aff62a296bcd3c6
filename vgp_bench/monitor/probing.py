"""One look at the fixed probe set: a forward pass that everybody shares and that leaves no trace."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from vgp_bench.architectures.recurrent_layer import unfused
from vgp_bench.data.objectives import Objective


@dataclass(frozen=True)
class Probe:
    """The fixed probe set on the model's device: inputs (n, ...), normalized; targets as the objective takes them."""

    inputs: Tensor
    targets: Tensor
    objective: Objective


class Watcher(Protocol):
    """What looks at a network while it reads the probe set."""

    def register(self) -> list[RemovableHandle]:
        """The hooks that do the looking; they are taken away after the pass."""


def show(model: nn.Module, inputs: Tensor, watchers: Sequence[Watcher]) -> None:
    """Send the probe set through the network once, whole, without gradients.

    inputs: (n, channels, height, width), normalized, or sequences (n, length, features). The network is seen as it
    trains, in its present mode: batch normalization uses the statistics of the probe set. Buffers and random state are
    put back afterwards. In the precision of the weights, whatever trainer.precision is.
    """
    handles = [handle for watcher in watchers for handle in watcher.register()]
    try:
        with torch.no_grad(), untouched(model), unfused(model):
            model(inputs)
    finally:
        for handle in handles:
            handle.remove()


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
