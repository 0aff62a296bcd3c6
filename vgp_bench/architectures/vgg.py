"""VGG networks for small images (after Simonyan & Zisserman 2014, table 1)."""

from torch import Tensor, nn

from vgp_bench.architectures.dropout import dropout as dropout_layer
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.sizes import check_choice, check_positive
from vgp_bench.architectures.stages import Architecture, Stage

_CONVOLUTIONS = {  # in each of the five groups, by the paper's count of weight layers: columns A, B, D and E
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}


class VGG(Architecture):
    """Five groups of 3 x 3 convolutions, each halved by 2 x 2 max pooling, and a linear classifier.

    The groups are width, 2, 4, 8 and 8 width channels wide. depth: the paper's name of the network. Its classifier has
    three layers, on 7 x 7 positions; here the mean over the positions that are left, 1 x 1 of 32 x 32 pixels, dropout
    and a single linear layer follow: depth - 2 weight layers. Pooling rounds up, and between groups it is left out
    where less than 2 x 2 positions would be left.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        classes: int,
        parts: Parts,
        depth: int = 16,
        width: int = 64,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_choice(tuple(_CONVOLUTIONS), depth=depth)
        check_positive(width=width)
        self._names: list[str] = []
        layers: list[nn.Sequential] = []
        channels, positions = image_shape[0], min(image_shape[1:])
        for group, convolutions in enumerate(_CONVOLUTIONS[depth], start=1):
            after = width * min(2 ** (group - 1), 8)
            for position in range(1, convolutions + 1):
                self._names.append(f"group_{group}_conv_{position}")
                layers.append(nn.Sequential(parts.conv(channels, after), *parts.nonlinearity(after, spatial=True)))
                channels = after
            if positions > 2 or group == len(_CONVOLUTIONS[depth]):
                layers[-1].append(nn.MaxPool2d(2, ceil_mode=True))
                positions = -(-positions // 2)
        self.layers = nn.Sequential(*layers)
        self.output = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), *dropout_layer(dropout), nn.Linear(channels, classes)
        )

    def stages(self) -> list[Stage]:
        named = enumerate(zip(self._names, self.layers, strict=True), start=1)
        hidden = [Stage(name, layer, depth) for depth, (name, layer) in named]
        return [*hidden, Stage("output", self.output, len(hidden) + 1, "output")]

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.output(self.layers(images))
        return logits
