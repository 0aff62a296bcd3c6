"""Convolutional highway network (Srivastava, Greff & Schmidhuber 2015, section 2.2), in the form of PlainCNN."""

from torch import Tensor, nn

from vgp_bench.architectures.highway import HighwayLayer, start_gates
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.sizes import blocks_per_group, check_positive
from vgp_bench.architectures.stages import Architecture, Stage


class HighwayCNN(Architecture):
    """3 x 3 convolutions: a stem and three groups of 2n, of width, 2 width and 4 width channels.

    Stem and first layer of the second and third group, which has stride 2, change the shape and are plain; all others
    are highway layers, gates 3 x 3 convolutions too. Global average pooling and a linear classifier follow: depth =
    6n + 2 weight layers, as PlainCNN, which it is without its gates. gate_bias: b_T at the start.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        classes: int,
        parts: Parts,
        depth: int = 20,
        width: int = 16,
        gate_bias: float = -2.0,
    ) -> None:
        super().__init__()
        check_positive(width=width)
        per_group = 2 * blocks_per_group(depth, layers_per_block=2)
        self._gate_bias = gate_bias
        channels = width
        self.layers = nn.Sequential(_layer(parts, image_shape[0], channels, stride=1))
        for group in range(3):
            for position in range(per_group):
                if group > 0 and position == 0:
                    self.layers.append(_layer(parts, channels, 2 * channels, stride=2))
                    channels *= 2
                else:
                    gate = nn.Conv2d(channels, channels, 3, padding=1)
                    self.layers.append(HighwayLayer(_layer(parts, channels, channels, stride=1), gate))
        self.output = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))

    def finish_initialization(self) -> None:
        start_gates(self.layers, self._gate_bias)

    def stages(self) -> list[Stage]:
        layers = [Stage(f"conv_{depth}", layer, depth) for depth, layer in enumerate(self.layers, start=1)]
        return [*layers, Stage("output", self.output, len(layers) + 1, "output")]

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.output(self.layers(images))
        return logits


def _layer(parts: Parts, before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(parts.conv(before, after, stride=stride), *parts.nonlinearity(after, spatial=True))
