"""Normalizers: what brings a layer's outputs to mean 0 and variance 1, over which axes, and at which place.

Each is a choice (a frozen dataclass), not a layer; layer(features, spatial) builds the layer. Gains start at
1 and shifts at 0. spatial: inputs are (n, c, h, w), else (n, c), with c = features.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from vgp_bench.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Normalizer(ABC):
    """placement: before or after the activation. weight_standardization: also standardize every filter
    (Qiao et al. 2019), possible with each normalizer, none included.
    """

    placement: Literal["before", "after"] = "before"
    weight_standardization: bool = False

    normalizes: ClassVar[bool] = True
    has_shift: ClassVar[bool] = True
    """Whether the layer adds a learnable shift of its own, which makes a bias before it superfluous."""

    def __post_init__(self) -> None:
        if self.placement not in ("before", "after"):
            raise ConfigError(f"normalizer.placement={self.placement}: use before or after (the activation)")

    @abstractmethod
    def layer(self, features: int, spatial: bool) -> nn.Module:
        """A new layer for inputs (n, features, h, w) if spatial, else (n, features).

        Raises ConfigError for sizes that cannot be normalized this way.
        """


@dataclass(frozen=True, kw_only=True)
class NoNormalizer(Normalizer):
    """No normalization."""

    normalizes: ClassVar[bool] = False
    has_shift: ClassVar[bool] = False

    def layer(self, features: int, spatial: bool) -> nn.Module:
        return nn.Identity()


@dataclass(frozen=True, kw_only=True)
class BatchNormalizer(Normalizer):
    """Per channel over the batch and positions (Ioffe & Szegedy 2015). momentum: the newest batch's weight."""

    eps: float = 1e-5
    momentum: float = 0.1

    def layer(self, features: int, spatial: bool) -> nn.Module:
        kind = nn.BatchNorm2d if spatial else nn.BatchNorm1d
        return kind(features, eps=self.eps, momentum=self.momentum)


@dataclass(frozen=True, kw_only=True)
class LayerNormalizer(Normalizer):
    """Per sample over all its values (Ba et al. 2016).

    On images over (c, h, w), with gain and shift per channel (as GroupNorm with one group), not per position.
    """

    eps: float = 1e-5

    def layer(self, features: int, spatial: bool) -> nn.Module:
        return nn.GroupNorm(1, features, eps=self.eps) if spatial else nn.LayerNorm(features, eps=self.eps)


@dataclass(frozen=True, kw_only=True)
class GroupNormalizer(Normalizer):
    """Per sample and group of channels (Wu & He 2018). groups: number of groups, a divisor of every layer's
    width.
    """

    groups: int = 8
    eps: float = 1e-5

    def layer(self, features: int, spatial: bool) -> nn.Module:
        if self.groups < 1 or features % self.groups:
            divisors = [n for n in range(1, features + 1) if features % n == 0]
            smaller = max((n for n in divisors if n < self.groups), default=divisors[0])
            larger = min((n for n in divisors if n > self.groups), default=divisors[-1])
            choices = " or ".join(str(n) for n in sorted({smaller, larger}))
            raise ConfigError(
                f"normalizer.groups={self.groups}: does not divide a layer of {features} features: "
                f"use {choices}, or other widths of the architecture"
            )
        return nn.GroupNorm(self.groups, features, eps=self.eps)


@dataclass(frozen=True, kw_only=True)
class InstanceNormalizer(Normalizer):
    """Per sample and channel over the positions (Ulyanov et al. 2016), with gain and shift; images only."""

    eps: float = 1e-5

    def layer(self, features: int, spatial: bool) -> nn.Module:
        if not spatial:
            raise ConfigError(
                "normalizer=instance: a dense layer has no positions to average over: "
                "use normalizer=layer, or a convolutional architecture"
            )
        return nn.InstanceNorm2d(features, eps=self.eps, affine=True)


@dataclass(frozen=True, kw_only=True)
class RMSNormalizer(Normalizer):
    """Per sample, divided by the root mean square of all its values (Zhang & Sennrich 2019); no mean, no
    shift.
    """

    eps: float = 1e-5

    has_shift: ClassVar[bool] = False

    def layer(self, features: int, spatial: bool) -> nn.Module:
        return SpatialRMSNorm(features, self.eps) if spatial else nn.RMSNorm(features, eps=self.eps)


class SpatialRMSNorm(nn.Module):
    """x / sqrt(mean(x^2 over c, h, w) + eps) * gain per channel. forward: (n, c, h, w) -> (n, c, h, w)."""

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        inverse_rms = torch.rsqrt(x.square().mean(dim=(1, 2, 3), keepdim=True) + self.eps)
        return x * inverse_rms * self.weight[:, None, None]
