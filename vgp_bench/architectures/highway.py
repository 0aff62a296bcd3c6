"""The highway layer (Srivastava, Greff & Schmidhuber 2015, "Training Very Deep Networks", equation 3)."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class HighwayLayer(nn.Module):
    """y = T(x) H(x) + (1 - T(x)) x with the transform gate T(x) = sigmoid(W_T x + b_T), a value for each of y.

    H: transform, a weight layer with its activation and normalizer. gate: x -> W_T x + b_T, of the same shape. The
    initializer draws W_T as any weight; b_T is the architecture's (start_gates). No normalizer touches the gate: its
    bias could not keep it closed then. Both are layer l's weights, and count as one weight layer.
    """

    def __init__(self, transform: nn.Sequential, gate: nn.Linear | nn.Conv2d) -> None:
        super().__init__()
        self.transform = transform
        self.gate = gate

    def forward(self, x: Tensor) -> Tensor:
        # Not a module: T is no activation of the network, so its saturation, which is wanted, is not counted.
        gate = torch.sigmoid(self.gate(x))
        y: Tensor = gate * self.transform(x) + (1 - gate) * x
        return y


def start_gates(layers: Iterable[nn.Module], gate_bias: float) -> None:
    """Set b_T of every highway layer, after the initializer; below 0, the layers start by carrying (section 2.3)."""
    for layer in layers:
        if isinstance(layer, HighwayLayer) and layer.gate.bias is not None:
            nn.init.constant_(layer.gate.bias, gate_bias)
