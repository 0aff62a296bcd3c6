"""Residual networks for CIFAR (He et al. 2015, section 4.2; He et al. 2016)."""

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.residual import Affine, Block, Order, Residual, ResidualBuilder
from vgp_bench.architectures.sizes import blocks_per_group, check_positive
from vgp_bench.architectures.stages import Architecture, Stage
from vgp_bench.errors import ConfigError

BlockKind = Literal["basic", "bottleneck"]
Shortcut = Literal["A", "B"]

_BOTTLENECK_EXPANSION = 4


class ResNet(Architecture):
    """A 3 x 3 stem, three groups of n blocks, global average pooling and a linear classifier.

    The groups are width, 2 width and 4 width channels wide; the second and third begin with stride 2.
    block basic: two 3 x 3 convolutions, depth = 6n + 2. block bottleneck: 1 x 1, 3 x 3 and 1 x 1 with four
    times the channels, depth = 9n + 2. order original: the stem is activated, blocks are h = phi(x + F(x)).
    order preactivation: h = x + F(phi(norm(x))), and the classifier follows a last normalizer and activation.
    shortcut where the shape changes, A: every second position, new channels 0, no parameters; B: a 1 x 1
    convolution (with a normalizer in original order; of the activated input in preactivation order).
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        classes: int,
        parts: Parts,
        depth: int = 20,
        width: int = 16,
        block: BlockKind = "basic",
        order: Order = "original",
        shortcut: Shortcut = "A",
        residual: Residual = "plain",
    ) -> None:
        super().__init__()
        if block not in ("basic", "bottleneck"):
            raise ConfigError(f"architecture.block={block}: use basic or bottleneck")
        if shortcut not in ("A", "B"):
            raise ConfigError(f"architecture.shortcut={shortcut}: use A or B")
        check_positive(width=width)
        self._layers_per_block = 2 if block == "basic" else 3
        per_group = blocks_per_group(depth, self._layers_per_block)
        self._builder = builder = ResidualBuilder(parts, order, residual, 3 * per_group)
        self._per_group = per_group
        original = order == "original"

        stem = parts.conv(image_shape[0], width, bias=builder.bias)
        self.stem = builder.chain([stem, *(parts.nonlinearity(width, spatial=True) if original else [])])
        blocks: list[Block] = []
        channels = width
        for index in range(3 * per_group):
            group, position = divmod(index, per_group)
            stride = 2 if group > 0 and position == 0 else 1
            inner = width * 2**group
            outer = inner if block == "basic" else inner * _BOTTLENECK_EXPANSION
            if block == "basic":
                affines = self._basic(parts, channels, inner, stride)
            else:
                affines = self._bottleneck(parts, channels, inner, outer, stride)
            blocks.append(self._block(affines, shortcut, channels, outer, stride))
            channels = outer
        self.blocks = nn.Sequential(*blocks)
        last = [] if original else parts.nonlinearity(channels, spatial=True)
        self.output = builder.chain([*last, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)])

    def _basic(self, parts: Parts, channels: int, width: int, stride: int) -> list[Affine]:
        bias = self._builder.bias
        return [parts.conv(channels, width, 3, stride, bias), parts.conv(width, width, 3, 1, bias)]

    def _bottleneck(self, parts: Parts, channels: int, inner: int, outer: int, stride: int) -> list[Affine]:
        bias = self._builder.bias
        return [
            parts.conv(channels, inner, 1, stride, bias),
            parts.conv(inner, inner, 3, 1, bias),
            parts.conv(inner, outer, 1, 1, bias),
        ]

    def _block(self, affines: list[Affine], shortcut: Shortcut, before: int, after: int, stride: int) -> Block:
        builder = self._builder
        if before == after and stride == 1:
            return builder.block(affines)
        if shortcut == "A":
            return builder.block(affines, shortcut=SubsampleShortcut(stride, after - before))
        return builder.block(affines, projection=builder.parts.conv(before, after, 1, stride, builder.bias))

    def finish_initialization(self) -> None:
        self._builder.finish_initialization(self.blocks, self.output)

    def stages(self) -> list[Stage]:
        stages = [Stage("stem", self.stem, 1)]
        for index, block in enumerate(self.blocks):
            group, position = divmod(index, self._per_group)
            name = f"group_{group + 1}_block_{position + 1}"
            stages.append(Stage(name, block, 1 + (index + 1) * self._layers_per_block))
        return [*stages, Stage("output", self.output, stages[-1].depth + 1, "output")]

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.output(self.blocks(self.stem(images)))
        return logits


class SubsampleShortcut(nn.Module):
    """Option A: (n, c, h, w) -> (n, c + new_channels, ceil(h / stride), ceil(w / stride)), new channels 0."""

    def __init__(self, stride: int, new_channels: int) -> None:
        super().__init__()
        self.stride = stride
        self.new_channels = new_channels

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new_channels))
