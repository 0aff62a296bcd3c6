"""Networks that are not among the architectures: layers that share weights, a bottleneck."""

from itertools import pairwise
from math import prod

from torch import Tensor, nn

from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.stages import Architecture, Stage


class TiedMLP(Architecture):
    """A perceptron whose hidden layers in pairs share one matrix: 2 and 3, 4 and 5, ..."""

    def __init__(
        self, image_shape: tuple[int, int, int], classes: int, parts: Parts, depth: int = 7, width: int = 64
    ) -> None:
        super().__init__()
        self.input = nn.Sequential(nn.Linear(prod(image_shape), width), *parts.activate())
        linears = [nn.Linear(width, width) for _ in range((depth - 1) // 2)]
        self.hidden = nn.Sequential(
            *(nn.Sequential(linear, *parts.activate()) for linear in linears for _ in range(2)),
        )
        self.output = nn.Linear(width, classes)

    def stages(self) -> list[Stage]:
        hidden = [self.input, *self.hidden]
        named = [Stage(f"layer_{depth}", layer, depth) for depth, layer in enumerate(hidden, start=1)]
        return [*named, Stage("output", self.output, len(named) + 1, "output")]

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.output(self.hidden(self.input(images.flatten(1))))
        return logits


class NarrowMLP(Architecture):
    """Hidden layers of the given widths; after each, dropout of this rate."""

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        classes: int,
        parts: Parts,
        widths: list[int],
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.hidden = nn.Sequential(
            *(
                nn.Sequential(parts.dense(before, after), *parts.nonlinearity(after, spatial=False), *_dropout(dropout))
                for before, after in pairwise([prod(image_shape), *widths])
            )
        )
        self.output = nn.Linear(widths[-1], classes)

    def stages(self) -> list[Stage]:
        hidden = [Stage(f"layer_{depth}", layer, depth) for depth, layer in enumerate(self.hidden, start=1)]
        return [*hidden, Stage("output", self.output, len(hidden) + 1, "output")]

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.output(self.hidden(images.flatten(1)))
        return logits


def _dropout(rate: float) -> list[nn.Module]:
    return [nn.Dropout(rate)] if rate else []
