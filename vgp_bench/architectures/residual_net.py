"""Stem, groups of blocks, classifier: what convolutional residual networks share (He et al. 2015; 2016)."""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from vgp_bench.architectures.residual import Affine, Block, ResidualBuilder
from vgp_bench.architectures.sizes import check_choice, check_positive
from vgp_bench.architectures.stages import Architecture, Stage

BlockKind = Literal["basic", "bottleneck"]
Shortcut = Literal["A", "B"]

_BOTTLENECK_EXPANSION = 4


class ResidualNet(Architecture):
    """stem, groups of residual blocks, global average pooling and a linear classifier.

    Group g = 0, 1, ... has blocks_per_group[g] blocks, 2^g width channels wide; every group but the first begins with
    stride 2. block basic: two 3 x 3 convolutions. block bottleneck: 1 x 1, 3 x 3 and 1 x 1 with four times the
    channels, the stride at the first. shortcut where the shape changes, A: every second position, new channels 0, no
    parameters; B: a 1 x 1 convolution (with a normalizer in original order; of the activated input in preactivation
    order). The builder's bypass says how shortcut and branch are joined; convolution puts that of B on every block. In
    preactivation order the classifier follows a last normalizer and activation.

    stem: from images to width channels, a single weight layer.
    """

    def __init__(
        self,
        builder: ResidualBuilder,
        stem: nn.Sequential,
        blocks_per_group: Sequence[int],
        width: int,
        block: BlockKind,
        shortcut: Shortcut,
        classes: int,
    ) -> None:
        super().__init__()
        check_choice(("basic", "bottleneck"), block=block)
        check_choice(("A", "B"), shortcut=shortcut)
        check_positive(width=width)
        self._builder = builder
        self._blocks_per_group = blocks_per_group
        self._layers_per_block = layers_per_block(block)
        self.stem = stem
        blocks: list[Block] = []
        channels = width
        for group, count in enumerate(blocks_per_group):
            inner = width * 2**group
            outer = inner if block == "basic" else inner * _BOTTLENECK_EXPANSION
            for position in range(count):
                stride = 2 if group > 0 and position == 0 else 1
                if block == "basic":
                    affines = self._basic(channels, inner, stride)
                else:
                    affines = self._bottleneck(channels, inner, outer, stride)
                blocks.append(self._block(affines, shortcut, channels, outer, stride))
                channels = outer
        self.blocks = nn.Sequential(*blocks)
        last = [] if builder.order != "preactivation" else builder.parts.nonlinearity(channels, spatial=True)
        self.output = builder.chain([*last, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)])

    def _basic(self, channels: int, width: int, stride: int) -> list[Affine]:
        parts, bias = self._builder.parts, self._builder.bias
        return [parts.conv(channels, width, 3, stride, bias), parts.conv(width, width, 3, 1, bias)]

    def _bottleneck(self, channels: int, inner: int, outer: int, stride: int) -> list[Affine]:
        parts, bias = self._builder.parts, self._builder.bias
        return [
            parts.conv(channels, inner, 1, stride, bias),
            parts.conv(inner, inner, 3, 1, bias),
            parts.conv(inner, outer, 1, 1, bias),
        ]

    def _block(self, affines: list[Affine], shortcut: Shortcut, before: int, after: int, stride: int) -> Block:
        builder = self._builder
        changes = before != after or stride != 1
        if builder.bypass == "none" or not (changes or builder.bypass == "convolution"):
            return builder.block(affines)
        if shortcut == "A" and builder.bypass != "convolution":
            return builder.block(affines, shortcut=SubsampleShortcut(stride, after - before))
        return builder.block(affines, projection=builder.parts.conv(before, after, 1, stride, builder.bias))

    def finish_initialization(self) -> None:
        self._builder.finish_initialization(self.blocks, self.output)

    def stages(self) -> list[Stage]:
        stages, blocks = [Stage("stem", self.stem, 1)], iter(self.blocks)
        for group, count in enumerate(self._blocks_per_group, start=1):
            for position in range(1, count + 1):
                depth = stages[-1].depth + self._layers_per_block
                stages.append(Stage(f"group_{group}_block_{position}", next(blocks), depth))
        return [*stages, Stage("output", self.output, stages[-1].depth + 1, "output")]

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.output(self.blocks(self.stem(images)))
        return logits


def layers_per_block(block: BlockKind) -> int:
    """Weight layers of a block, projection shortcuts not counted."""
    return 2 if block == "basic" else 3


class SubsampleShortcut(nn.Module):
    """Option A: (n, c, h, w) -> (n, c + new_channels, ceil(h / stride), ceil(w / stride)), new channels 0."""

    def __init__(self, stride: int, new_channels: int) -> None:
        super().__init__()
        self.stride = stride
        self.new_channels = new_channels

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new_channels))
