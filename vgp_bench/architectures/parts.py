"""The parts that every architecture is assembled from, so that activation and normalizer are free choices."""

from dataclasses import dataclass

from torch import nn

from vgp_bench.components.activations import ActivationFactory, make_activation
from vgp_bench.components.normalizers import Normalizer
from vgp_bench.components.weight_standardization import StandardizedConv2d, StandardizedLinear


@dataclass(frozen=True)
class Parts:
    """activation: a factory of modules z -> phi(z). normalizer: which one, and where."""

    activation: ActivationFactory
    normalizer: Normalizer

    def activate(self) -> list[nn.Module]:
        """A new activation (as a list, to be strung together with other parts)."""
        return [make_activation(self.activation)]

    def normalize(self, features: int, spatial: bool) -> list[nn.Module]:
        """A new normalizer layer, or nothing."""
        return [self.normalizer.layer(features, spatial)] if self.normalizer.normalizes else []

    def normalize_before(self, features: int, spatial: bool) -> list[nn.Module]:
        """A new normalizer layer if its place is before the activation, or nothing."""
        return self.normalize(features, spatial) if self.normalizer.placement == "before" else []

    def normalize_after(self, features: int, spatial: bool) -> list[nn.Module]:
        """A new normalizer layer if its place is after the activation, or nothing."""
        return self.normalize(features, spatial) if self.normalizer.placement == "after" else []

    def nonlinearity(self, features: int, spatial: bool) -> list[nn.Module]:
        """Activation and normalizer in the order of normalizer.placement."""
        return [
            *self.normalize_before(features, spatial),
            *self.activate(),
            *self.normalize_after(features, spatial),
        ]

    def dense(self, features_in: int, features_out: int, bias: bool = True) -> nn.Linear:
        """(n, features_in) -> (n, features_out). No bias where the normalizer's own shift follows anyway."""
        kind = StandardizedLinear if self.normalizer.weight_standardization else nn.Linear
        return kind(features_in, features_out, bias=bias and not self._shift_follows)

    def conv(self, channels_in: int, channels_out: int, size: int = 3, stride: int = 1, bias: bool = True) -> nn.Conv2d:
        """size x size convolution, zero-padded so that stride 1 keeps height and width; bias as in dense."""
        kind = StandardizedConv2d if self.normalizer.weight_standardization else nn.Conv2d
        return kind(
            channels_in,
            channels_out,
            size,
            stride=stride,
            padding=size // 2,
            bias=bias and not self._shift_follows,
        )

    @property
    def _shift_follows(self) -> bool:
        # Before the activation, in residual nets perhaps only after the addition.
        return self.normalizer.has_shift and self.normalizer.placement == "before"
