"""Fully connected highway network (Srivastava, Greff & Schmidhuber 2015)."""

from math import prod

from torch import Tensor, nn

from vgp_bench.architectures.highway import HighwayLayer, start_gates
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.sizes import check_positive
from vgp_bench.architectures.stages import Architecture, Stage


class HighwayMLP(Architecture):
    """A plain input layer, depth - 1 highway layers and a linear classifier: depth + 1 weight layers (section 3.1).

    gate_bias: b_T at the start; the paper chose from -1 to -10. With W_T = 0, layers whose H is constant then carry
    the gradient back times 1 - sigmoid(gate_bias) each.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        classes: int,
        parts: Parts,
        depth: int = 10,
        width: int = 50,
        gate_bias: float = -4.0,
    ) -> None:
        super().__init__()
        check_positive(depth=depth, width=width)
        self._gate_bias = gate_bias
        self.hidden = nn.Sequential(_layer(parts, prod(image_shape), width))
        for _ in range(depth - 1):
            self.hidden.append(HighwayLayer(_layer(parts, width, width), nn.Linear(width, width)))
        self.output = nn.Linear(width, classes)

    def finish_initialization(self) -> None:
        start_gates(self.hidden, self._gate_bias)

    def stages(self) -> list[Stage]:
        hidden = [Stage(f"layer_{depth}", layer, depth) for depth, layer in enumerate(self.hidden, start=1)]
        return [*hidden, Stage("output", self.output, len(hidden) + 1, "output")]

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.output(self.hidden(images.flatten(1)))
        return logits


def _layer(parts: Parts, before: int, after: int) -> nn.Sequential:
    return nn.Sequential(parts.dense(before, after), *parts.nonlinearity(after, spatial=False))
