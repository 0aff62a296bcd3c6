"""Densely connected network for CIFAR (Huang, Liu, van der Maaten & Weinberger 2017, section 3)."""

import torch
from torch import Tensor, nn

from vgp_bench.architectures.dropout import dropout as dropout_layer
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.sizes import check_positive, repeats
from vgp_bench.architectures.stages import Architecture, Stage
from vgp_bench.errors import ConfigError

_BOTTLENECK_WIDTH = 4
"""Channels between the two convolutions of a bottleneck layer, times growth."""
_BLOCKS = 3


class DenseLayer(nn.Module):
    """x -> (x, F(x)), joined along the channels."""

    def __init__(self, branch: nn.Sequential) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.branch(x)], dim=1)


class DenseNet(Architecture):
    """A 3 x 3 stem, three blocks of n dense layers with transitions between them, global mean, linear classifier.

    A dense layer gives growth new channels: norm, phi, 3 x 3 convolution; with bottleneck a 1 x 1 convolution to 4
    growth channels in the same order comes first. A transition, norm, phi and a 1 x 1 convolution, keeps the share
    compression of the channels, rounded down; then each 2 x 2 positions become their mean, rounded up. depth counts
    weight layers: 3n + 4, with bottleneck 6n + 4. The stem, not activated, has 16 channels, with bottleneck and
    compression 2 growth. dropout: after each convolution but the stem. A stage is a dense layer or a transition; h_l
    is all that the next one sees, old and new channels.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        classes: int,
        parts: Parts,
        depth: int = 40,
        growth: int = 12,
        bottleneck: bool = False,
        compression: float = 1.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_positive(growth=growth)
        if not 0 < compression <= 1:
            raise ConfigError(f"architecture.compression={compression}: must be above 0 and at most 1")
        self._parts, self._dropout = parts, dropout
        self._layers_per_unit = 2 if bottleneck else 1
        count = repeats(
            depth, _BLOCKS * self._layers_per_unit, 4, "three blocks of n layers, stem, two transitions and classifier"
        )
        channels = 2 * growth if bottleneck and compression < 1 else 16
        self.stem = parts.conv(image_shape[0], channels)
        self.units = nn.Sequential()
        self._units: list[tuple[str, int]] = []  # name and weight layers of each
        for block in range(1, _BLOCKS + 1):
            for position in range(1, count + 1):
                self.units.append(self._dense_layer(channels, growth, bottleneck))
                self._units.append((f"block_{block}_layer_{position}", self._layers_per_unit))
                channels += growth
            if block < _BLOCKS:
                after = max(int(channels * compression), 1)
                self.units.append(self._weight_layer(channels, after, 1).append(nn.AvgPool2d(2, ceil_mode=True)))
                self._units.append((f"transition_{block}", 1))
                channels = after
        self.output = nn.Sequential(
            *parts.nonlinearity(channels, spatial=True),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(channels, classes),
        )

    def _dense_layer(self, channels: int, growth: int, bottleneck: bool) -> DenseLayer:
        if not bottleneck:
            return DenseLayer(self._weight_layer(channels, growth, 3))
        inner = _BOTTLENECK_WIDTH * growth
        return DenseLayer(nn.Sequential(*self._weight_layer(channels, inner, 1), *self._weight_layer(inner, growth, 3)))

    def _weight_layer(self, before: int, after: int, size: int) -> nn.Sequential:
        parts = self._parts
        return nn.Sequential(
            *parts.nonlinearity(before, spatial=True), parts.conv(before, after, size), *dropout_layer(self._dropout)
        )

    def stages(self) -> list[Stage]:
        stages = [Stage("stem", self.stem, 1)]
        for (name, layers), unit in zip(self._units, self.units, strict=True):
            stages.append(Stage(name, unit, stages[-1].depth + layers))
        return [*stages, Stage("output", self.output, stages[-1].depth + 1, "output")]

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.output(self.units(self.stem(images)))
        return logits
