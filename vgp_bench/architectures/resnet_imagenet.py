"""Residual networks of ImageNet's form, for images of any size (He et al. 2015, table 1)."""

from typing import Literal

from torch import nn

from vgp_bench.architectures.bypasses import Bypass
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.residual import Order, Residual, ResidualBuilder
from vgp_bench.architectures.residual_net import BlockKind, ResidualNet, Shortcut
from vgp_bench.architectures.sizes import check_choice, check_positive
from vgp_bench.components.normalizers import InstanceNormalizer
from vgp_bench.errors import ConfigError

Stem = Literal["cifar", "imagenet"]

_FORMS: dict[int, tuple[BlockKind, tuple[int, ...]]] = {
    18: ("basic", (2, 2, 2, 2)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
    152: ("bottleneck", (3, 8, 36, 3)),
}


class ResNetImageNet(ResidualNet):
    """Four groups of residual blocks, of width, 2, 4 and 8 width channels, as ResidualNet tells; depth weight layers.

    stem imagenet: 7 x 7 with stride 2, then the largest of 3 x 3 with stride 2, as in the paper. stem cifar: 3 x 3
    with stride 1, no pooling, which leaves 4 x 4 positions of 32 x 32 pixels. In order preactivation the stem is not
    activated. drop_path: the last block's rate of stochastic depth, reached linearly (Huang et al. 2016).
    bypass, gate_bias: as in ResNet.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        classes: int,
        parts: Parts,
        depth: int = 18,
        width: int = 64,
        stem: Stem = "cifar",
        order: Order = "original",
        shortcut: Shortcut = "B",
        residual: Residual = "plain",
        drop_path: float = 0.0,
        bypass: Bypass = "identity",
        gate_bias: float = -6.0,
    ) -> None:
        check_choice(tuple(_FORMS), depth=depth)
        check_choice(("cifar", "imagenet"), stem=stem)
        check_positive(width=width)
        block, groups = _FORMS[depth]
        _check_positions(image_shape, stem, parts)
        builder = ResidualBuilder(parts, order, residual, sum(groups), drop_path, bypass, gate_bias)
        size, stride = (3, 1) if stem == "cifar" else (7, 2)
        layers: list[nn.Module] = [parts.conv(image_shape[0], width, size, stride, builder.bias)]
        if order != "preactivation":
            layers += parts.nonlinearity(width, spatial=True)
        if stem == "imagenet":
            layers.append(nn.MaxPool2d(3, stride=2, padding=1))
        super().__init__(builder, builder.chain(layers), groups, width, block, shortcut, classes)


def _check_positions(image_shape: tuple[int, int, int], stem: Stem, parts: Parts) -> None:
    """Raise ConfigError if the last group has a single position, whose variance an instance normalizer cannot take."""
    _, height, width = image_shape
    factor = 8 if stem == "cifar" else 32
    if isinstance(parts.normalizer, InstanceNormalizer) and max(height, width) <= factor:
        larger = " architecture.stem=cifar," if stem == "imagenet" and max(height, width) > 8 else ""
        raise ConfigError(
            f"normalizer=instance: images of {height} x {width} pixels are 1 x 1 in the last group, with nothing to "
            f"average over: use{larger} normalizer=layer, or larger images"
        )
