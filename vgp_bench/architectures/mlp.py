"""Multilayer perceptron: the plain fully connected network."""

from itertools import pairwise
from math import prod

from torch import Tensor, nn

from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.sizes import check_positive
from vgp_bench.architectures.stages import Architecture, Stage


class MLP(Architecture):
    """depth hidden layers of width units each, then a linear classifier: depth + 1 weight layers."""

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        classes: int,
        parts: Parts,
        depth: int = 5,
        width: int = 256,
    ) -> None:
        super().__init__()
        check_positive(depth=depth, width=width)
        widths = [prod(image_shape), *[width] * depth]
        self.hidden = nn.Sequential(
            *(
                nn.Sequential(parts.dense(before, after), *parts.nonlinearity(after, spatial=False))
                for before, after in pairwise(widths)
            )
        )
        self.output = nn.Linear(width, classes)

    def stages(self) -> list[Stage]:
        hidden = [Stage(f"layer_{depth}", layer, depth) for depth, layer in enumerate(self.hidden, start=1)]
        return [*hidden, Stage("output", self.output, len(hidden) + 1, "output")]

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.output(self.hidden(images.flatten(1)))
        return logits
