"""LeNet-5 (LeCun, Bottou, Bengio & Haffner 1998, section II.B)."""

from typing import Literal

from torch import Tensor, nn

from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.sizes import check_choice, widths
from vgp_bench.architectures.stages import Architecture, Stage
from vgp_bench.errors import ConfigError

Pooling = Literal["average", "max"]

_SIZE = 32
"""Height and width, in pixels, of what the first convolution sees."""


class LeNet5(Architecture):
    """C1, C3: 5 x 5 convolutions, each halved by pooling; C5, F6: dense; a linear classifier: 5 weight layers.

    width: channels of C1, the paper's 6; the others are in its proportions, 6 : 16 : 120 : 84. Smaller images get a
    frame of zeros (the mean pixel) up to 32 x 32, as the paper's 28 x 28. It differs from the paper in this: C3 sees
    all maps of S2, not a chosen few; pooling has no weights and comes after the activation, which is free; the
    classifier is linear under a cross-entropy, not Euclidean distances to drawn digits. C5, a convolution with the
    size of its input, is a dense layer.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        classes: int,
        parts: Parts,
        width: int = 6,
        pooling: Pooling = "average",
    ) -> None:
        super().__init__()
        check_choice(("average", "max"), pooling=pooling)
        channels, height, breadth = image_shape
        if max(height, breadth) > _SIZE:
            raise ConfigError(
                f"architecture=lenet5: images of {height} x {breadth} pixels, at most {_SIZE} x {_SIZE} fit: "
                f"set dataset.image_size={_SIZE}, or architecture=vgg"
            )
        c1, c3, c5, f6 = widths(width, (3, 8, 60, 42))
        pool = nn.AvgPool2d if pooling == "average" else nn.MaxPool2d
        self.c1 = nn.Sequential(
            nn.ZeroPad2d((*_frame(breadth), *_frame(height))),
            _unpadded(parts.conv(channels, c1, 5)),
            *parts.nonlinearity(c1, spatial=True),
            pool(2),
        )
        self.c3 = nn.Sequential(_unpadded(parts.conv(c1, c3, 5)), *parts.nonlinearity(c3, spatial=True), pool(2))
        self.c5 = nn.Sequential(nn.Flatten(), parts.dense(25 * c3, c5), *parts.nonlinearity(c5, spatial=False))
        self.f6 = nn.Sequential(parts.dense(c5, f6), *parts.nonlinearity(f6, spatial=False))
        self.output = nn.Linear(f6, classes)

    def stages(self) -> list[Stage]:
        hidden = [("c1", self.c1), ("c3", self.c3), ("c5", self.c5), ("f6", self.f6)]
        stages = [Stage(name, layer, depth) for depth, (name, layer) in enumerate(hidden, start=1)]
        return [*stages, Stage("output", self.output, len(stages) + 1, "output")]

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.output(self.f6(self.c5(self.c3(self.c1(images)))))
        return logits


def _frame(size: int) -> tuple[int, int]:
    """Pixels to add before and after."""
    missing = _SIZE - size
    return missing // 2, missing - missing // 2


def _unpadded(conv: nn.Conv2d) -> nn.Conv2d:
    conv.padding = (0, 0)
    return conv
