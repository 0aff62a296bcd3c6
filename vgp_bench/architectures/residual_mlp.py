"""Fully connected residual network, one weight layer a block."""

from math import prod

from torch import Tensor, nn

from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.residual import Order, Residual, ResidualBuilder
from vgp_bench.architectures.sizes import check_positive
from vgp_bench.architectures.stages import Architecture, Stage


class ResidualMLP(Architecture):
    """An input layer, depth - 1 blocks of one layer each, and a linear classifier: depth + 1 weight layers.

    order preactivation (He et al. 2016): h = x + a W phi(norm(x)); the input layer is linear, and the
    classifier follows a last normalizer and activation. order original (He et al. 2015):
    h = phi(x + a norm(W x)). order norm_after_addition: h = phi(norm(x + a W x)). The factor a is
    what residual makes it (1, a learnable scalar or 1/sqrt(blocks)).
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        classes: int,
        parts: Parts,
        depth: int = 20,
        width: int = 256,
        order: Order = "preactivation",
        residual: Residual = "plain",
    ) -> None:
        super().__init__()
        check_positive(depth=depth, width=width)
        blocks = depth - 1
        self._builder = builder = ResidualBuilder(parts, order, residual, blocks)
        nonlinearity = parts.nonlinearity(width, spatial=False)
        original = order != "preactivation"
        self.input = builder.chain(
            [parts.dense(prod(image_shape), width, builder.bias), *(nonlinearity if original else [])]
        )
        self.blocks = nn.Sequential(*(builder.block([parts.dense(width, width, builder.bias)]) for _ in range(blocks)))
        self.output = builder.chain([*([] if original else nonlinearity), nn.Linear(width, classes)])

    def finish_initialization(self) -> None:
        self._builder.finish_initialization(self.blocks, self.output)

    def stages(self) -> list[Stage]:
        blocks = [Stage(f"block_{depth - 1}", block, depth) for depth, block in enumerate(self.blocks, start=2)]
        return [Stage("input", self.input, 1), *blocks, Stage("output", self.output, len(blocks) + 2, "output")]

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.output(self.blocks(self.input(images.flatten(1))))
        return logits
