"""Initializers whose layers are isometries: orthogonal, delta-orthogonal and identity weights."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vgp_bench.components.activations import ActivationFactory
from vgp_bench.components.initializers import WeightInitializer, affine_modules
from vgp_bench.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Orthogonal(WeightInitializer):
    """gain * a random matrix with orthonormal rows or columns, whichever are fewer (Saxe et al. 2014).

    A convolution's filters are the rows of an (out, in * kernel) matrix, as is usual; this is no isometry of
    images: see DeltaOrthogonal.
    """

    gain: float = 1.0

    def draw_weight(self, weight: Tensor) -> None:
        nn.init.orthogonal_(weight, self.gain)


@dataclass(frozen=True, kw_only=True)
class DeltaOrthogonal(WeightInitializer):
    """Convolutions: centre tap gain * an orthogonal matrix, other taps 0 (Xiao et al. 2018, algorithm 1).

    Keeps the norm of an image exactly where channels do not become fewer; where they do, which the paper
    excludes, the rows are orthonormal. Dense layers are orthogonal. Raises ConfigError for a model without
    convolutions.
    """

    gain: float = 1.0

    def initialize(self, model: nn.Module, activation: ActivationFactory, images: Tensor) -> None:
        if all(module.weight.ndim == 2 for _, module in affine_modules(model)):
            raise ConfigError(
                "initializer=delta_orthogonal: the architecture has no convolutions: use initializer=orthogonal"
            )
        super().initialize(model, activation, images)

    def draw_weight(self, weight: Tensor) -> None:
        if weight.ndim == 2:
            nn.init.orthogonal_(weight, self.gain)
            return
        tap = torch.empty(weight.shape[:2], dtype=weight.dtype, device=weight.device)
        nn.init.orthogonal_(tap, self.gain)
        weight.zero_()
        centre_tap(weight).copy_(tap)


@dataclass(frozen=True, kw_only=True)
class IdentityWeights(WeightInitializer):
    """gain * the identity matrix, cut or padded with zeros to the layer's shape; of convolutions, the centre tap.

    Le et al. 2015, for recurrent weights. In a layer with more outputs than inputs the surplus rows start at 0.
    """

    gain: float = 1.0

    def draw_weight(self, weight: Tensor) -> None:
        if weight.ndim == 2:
            nn.init.eye_(weight)
        else:
            nn.init.dirac_(weight)
        weight *= self.gain


def centre_tap(weight: Tensor) -> Tensor:
    """(out, in, *kernel) -> (out, in), a view of the tap that meets the output's own position."""
    for size in reversed(weight.shape[2:]):
        weight = weight[..., size // 2]
    return weight
