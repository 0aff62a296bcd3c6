"""AlexNet for small images (after Krizhevsky, Sutskever & Hinton 2012, section 3.5)."""

from itertools import pairwise

from torch import Tensor, nn

from vgp_bench.architectures.dropout import dropout as dropout_layer
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.sizes import check_positive, widths
from vgp_bench.architectures.stages import Architecture, Stage

_POOLED = (1, 2, 5)
"""The convolutions after which the images are halved."""


class AlexNet(Architecture):
    """Five convolutions, of which three are pooled, two hidden dense layers and a linear classifier: 8 weight layers.

    width: channels of the first convolution, the paper's 96; the others are in its proportions, 96 : 256 : 384 : 384 :
    256. units: of each hidden dense layer; dropout: after each. As in the paper: overlapping max pooling, 3 x 3 with
    stride 2, here rounded up. For images of 32 x 32 pixels, not 224 x 224: all convolutions are 3 x 3 with stride 1,
    which leaves 4 x 4 positions for the dense layers, of 1024 units by default, not 4096. Convolutions see all
    channels, not half of them; the normalizer is the one chosen, not the response normalization.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        classes: int,
        parts: Parts,
        width: int = 96,
        units: int = 1024,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        check_positive(units=units)
        inputs, height, breadth = image_shape
        channels = [inputs, *widths(width, (3, 8, 12, 12, 8))]
        self.convolutions = nn.Sequential()
        for index, (before, after) in enumerate(pairwise(channels), start=1):
            layer = nn.Sequential(parts.conv(before, after), *parts.nonlinearity(after, spatial=True))
            if index in _POOLED:
                layer.append(nn.MaxPool2d(3, stride=2, padding=1))
                height, breadth = -(-height // 2), -(-breadth // 2)
            self.convolutions.append(layer)
        self.dense = nn.Sequential()
        for before in (channels[-1] * height * breadth, units):
            self.dense.append(
                nn.Sequential(
                    nn.Flatten(),
                    parts.dense(before, units),
                    *parts.nonlinearity(units, spatial=False),
                    *dropout_layer(dropout),
                )
            )
        self.output = nn.Linear(units, classes)

    def stages(self) -> list[Stage]:
        convolutions = [Stage(f"conv_{depth}", layer, depth) for depth, layer in enumerate(self.convolutions, start=1)]
        first = len(convolutions) + 1
        dense = [Stage(f"dense_{depth}", layer, depth) for depth, layer in enumerate(self.dense, start=first)]
        return [*convolutions, *dense, Stage("output", self.output, first + len(dense), "output")]

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.output(self.dense(self.convolutions(images)))
        return logits
