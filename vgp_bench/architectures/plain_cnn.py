"""Plain CIFAR network: the twin of a ResNet without its shortcuts (He et al. 2015, section 4.2)."""

from itertools import pairwise

from torch import Tensor, nn

from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.sizes import blocks_per_group, check_positive
from vgp_bench.architectures.stages import Architecture, Stage


class PlainCNN(Architecture):
    """3 x 3 convolutions: a stem and three groups of 2n, of width, 2 width and 4 width channels.

    The second and third group begin with stride 2. Global average pooling and a linear classifier follow:
    depth = 6n + 2 weight layers.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        classes: int,
        parts: Parts,
        depth: int = 20,
        width: int = 16,
    ) -> None:
        super().__init__()
        check_positive(width=width)
        per_group = 2 * blocks_per_group(depth, layers_per_block=2)
        channels = [image_shape[0], width]
        for group in range(3):
            channels += [width * 2**group] * per_group
        strided = {1 + per_group, 1 + 2 * per_group}
        self.layers = nn.Sequential(
            *(
                nn.Sequential(
                    parts.conv(before, after, stride=2 if index in strided else 1),
                    *parts.nonlinearity(after, spatial=True),
                )
                for index, (before, after) in enumerate(pairwise(channels))
            )
        )
        self.output = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels[-1], classes))

    def stages(self) -> list[Stage]:
        layers = [Stage(f"conv_{depth}", layer, depth) for depth, layer in enumerate(self.layers, start=1)]
        return [*layers, Stage("output", self.output, len(layers) + 1, "output")]

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.output(self.layers(images))
        return logits
