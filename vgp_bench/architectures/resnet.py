"""Residual networks for CIFAR (He et al. 2015, section 4.2; He et al. 2016)."""

from vgp_bench.architectures.bypasses import Bypass
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.residual import Order, Residual, ResidualBuilder
from vgp_bench.architectures.residual_net import BlockKind, ResidualNet, Shortcut, layers_per_block
from vgp_bench.architectures.sizes import blocks_per_group, check_choice, check_positive


class ResNet(ResidualNet):
    """A 3 x 3 stem and three groups of n blocks, of width, 2 width and 4 width channels, as ResidualNet tells.

    block basic: depth = 6n + 2. block bottleneck: depth = 9n + 2. order original: the stem is activated, blocks are
    h = phi(x + F(x)). order preactivation: h = x + F(phi(norm(x))). order norm_after_addition: h = phi(norm(x + F(x))).
    drop_path: the last block's rate of stochastic depth, reached linearly from the input on (Huang et al. 2016).
    bypass: how x and F are joined, see bypasses; gate_bias: b_g of its gates at the start.
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
        drop_path: float = 0.0,
        bypass: Bypass = "identity",
        gate_bias: float = -6.0,
    ) -> None:
        check_choice(("basic", "bottleneck"), block=block)
        check_positive(width=width)
        groups = [blocks_per_group(depth, layers_per_block(block))] * 3
        builder = ResidualBuilder(parts, order, residual, sum(groups), drop_path, bypass, gate_bias)
        stem = parts.conv(image_shape[0], width, bias=builder.bias)
        nonlinearity = parts.nonlinearity(width, spatial=True) if order != "preactivation" else []
        super().__init__(builder, builder.chain([stem, *nonlinearity]), groups, width, block, shortcut, classes)
