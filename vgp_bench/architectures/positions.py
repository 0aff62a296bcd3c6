"""Positions: what tells a Transformer, which treats its inputs as a set, in which order they come.

- learned: a vector for each position, added to the inputs (Gehring et al. 2017; Dosovitskiy et al. 2020).
- sinusoidal: fixed sines and cosines, added to the inputs (Vaswani et al. 2017, section 3.5).
- rotary: queries and keys are turned by an angle proportional to their position (Su et al. 2021, section 3.2).
- none: inputs in another order give the same outputs in that order.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from vgp_bench.errors import ConfigError

Positions = Literal["learned", "sinusoidal", "rotary", "none"]

_BASE = 10_000.0
"""The slowest angle's wavelength is nearly 2 pi times this, in positions."""


def added_positions(positions: Positions, length: int, width: int) -> list[nn.Module]:
    """The layer that adds positions to inputs (n, length, width), or nothing."""
    if positions == "learned":
        return [LearnedPositions(length, width)]
    if positions == "sinusoidal":
        return [SinusoidalPositions(length, width)]
    return []


def angles(length: int, width: int) -> Tensor:
    """float64 (length, ceil(width / 2)): m * 10000^(-2i / width) for position m = 0, 1, ... and pair i = 0, 1, ..."""
    frequencies = _BASE ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    return torch.outer(torch.arange(length, dtype=torch.float64), frequencies)


class LearnedPositions(nn.Module):
    """x + table, (n, up to length, width). Starts at Normal(0, .02^2), as in BERT (Devlin et al. 2019)."""

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.width = width
        # One long vector: added and never multiplied, it is a bias, and only matrices count as weights W_l.
        self.table = nn.Parameter(torch.empty(length * width).normal_(0.0, 0.02))

    def forward(self, x: Tensor) -> Tensor:
        table = self.table.view(-1, self.width)
        if x.shape[1] > len(table):
            raise ConfigError(
                f"architecture.positions=learned: {len(table)} positions are learned, a sequence has {x.shape[1]}: "
                "use sinusoidal, rotary or none"
            )
        return x + table[: x.shape[1]]


class SinusoidalPositions(nn.Module):
    """x + table, (n, any length, width); table[m, 2i] = sin(m 10000^(-2i / width)), table[m, 2i + 1] its cosine."""

    table: Tensor

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.register_buffer("table", _sinusoids(length, width), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        longer = x.shape[1] > len(self.table)
        table = _sinusoids(x.shape[1], x.shape[2]).to(x) if longer else self.table
        return x + table[: x.shape[1]]


class RotaryPositions(nn.Module):
    """Turns each pair (x[2i], x[2i + 1]) at position m by the angle m 10000^(-2i / width); width is even.

    forward: (..., any length, width) -> same shape. Scalar products of two turned vectors then depend on their
    positions by the difference alone.
    """

    turns: Tensor

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.register_buffer("turns", _turns(length, width), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        length, width = x.shape[-2:]
        turns = _turns(length, width).to(x.device) if length > self.turns.shape[1] else self.turns[:, :length]
        cosines, sines = turns
        even, odd = x[..., 0::2], x[..., 1::2]
        turned = torch.stack([even * cosines - odd * sines, even * sines + odd * cosines], dim=-1)
        return turned.flatten(-2).to(x.dtype)  # in half precision only the result is rounded


def _sinusoids(length: int, width: int) -> Tensor:
    table, turns = torch.empty(length, width), angles(length, width)
    table[:, 0::2] = turns.sin()
    table[:, 1::2] = turns.cos()[:, : width // 2]
    return table


def _turns(length: int, width: int) -> Tensor:
    """float32 (2, length, width / 2): cosines and sines."""
    turns = angles(length, width)
    return torch.stack([turns.cos(), turns.sin()]).float()
