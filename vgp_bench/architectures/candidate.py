"""What squashes the values a gated cell writes: tanh, as its papers have it, or the activation of the run."""

from typing import Literal

from torch import Tensor, nn

from vgp_bench.architectures.parts import Parts
from vgp_bench.errors import ConfigError

Candidate = Literal["tanh", "activation"]


class FixedTanh(nn.Module):
    """tanh as a part of the cell, like its sigmoids: not the activation of the run, so not measured as that."""

    def forward(self, z: Tensor) -> Tensor:
        return z.tanh()


def squash(candidate: Candidate, parts: Parts) -> nn.Module:
    """A new module z -> phi(z). Raises ConfigError for a candidate that is neither of the two."""
    if candidate == "tanh":
        return FixedTanh()
    if candidate == "activation":
        return parts.activate()[0]
    raise ConfigError(f"architecture.candidate={candidate}: use tanh or activation")
