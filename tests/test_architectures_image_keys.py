"""Keys and image sizes that a convolutional family or highway network refuses, in one line."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from tests.image_networks import CIFAR, DIGITS, MNIST, NONE
from vgp_bench.architectures.alexnet import AlexNet
from vgp_bench.architectures.densenet import DenseNet
from vgp_bench.architectures.highway_cnn import HighwayCNN
from vgp_bench.architectures.highway_mlp import HighwayMLP
from vgp_bench.architectures.lenet5 import LeNet5
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.resnet import ResNet
from vgp_bench.architectures.resnet_imagenet import ResNetImageNet
from vgp_bench.architectures.vgg import VGG
from vgp_bench.components.normalizers import InstanceNormalizer
from vgp_bench.errors import ConfigError


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: LeNet5((3, 64, 48), 10, NONE), r"images of 64 x 48 pixels, .*set dataset\.image_size=32, or archi"),
        (lambda: LeNet5(MNIST, 10, NONE, width=8), r"architecture\.width=8: must be a multiple of 3 .*: use 6 or 9"),
        (lambda: LeNet5(MNIST, 10, NONE, pooling="mean"), r"architecture\.pooling=mean: use average or max"),  # type: ignore[arg-type]
        (lambda: AlexNet(CIFAR, 10, NONE, width=64), r"architecture\.width=64: .* 3 : 8 : 12 : 12 : 8\): use 63 or 66"),
        (lambda: AlexNet(CIFAR, 10, NONE, width=1), r"architecture\.width=1: must be a multiple of 3 .*: use 3$"),
        (lambda: AlexNet(CIFAR, 10, NONE, units=0), r"architecture\.units=0: must be 1 or more"),
        (lambda: AlexNet(CIFAR, 10, NONE, dropout=1.0), r"architecture\.dropout=1\.0: must be 0 or more and below 1"),
        (lambda: VGG(CIFAR, 10, NONE, 17), r"architecture\.depth=17: use 11, 13, 16 or 19"),
        (lambda: VGG(CIFAR, 10, NONE, width=0), r"architecture\.width=0: must be 1 or more"),
        (lambda: VGG(CIFAR, 10, NONE, dropout=-0.1), r"architecture\.dropout=-0\.1: must be 0 or more and below 1"),
        (lambda: ResNetImageNet(CIFAR, 10, NONE, 20), r"architecture\.depth=20: use 18, 34, 50, 101 or 152"),
        (lambda: ResNetImageNet(CIFAR, 10, NONE, stem="big"), r"architecture\.stem=big: use cifar or imagenet"),  # type: ignore[arg-type]
        (
            lambda: ResNet(CIFAR, 10, NONE, drop_path=1.5),
            r"architecture\.drop_path=1\.5: must be 0 or more and below 1",
        ),
        (lambda: DenseNet(CIFAR, 10, NONE, 41), r"architecture\.depth=41: must be 3n\+4 .*: use 40 or 43"),
        (
            lambda: DenseNet(CIFAR, 10, NONE, 97, bottleneck=True),
            r"architecture\.depth=97: must be 6n\+4 .*: use 94 or 100",
        ),
        (lambda: DenseNet(CIFAR, 10, NONE, 4), "use 7 or 10"),
        (lambda: DenseNet(CIFAR, 10, NONE, growth=0), r"architecture\.growth=0: must be 1 or more"),
        (
            lambda: DenseNet(CIFAR, 10, NONE, compression=0.0),
            r"architecture\.compression=0\.0: must be above 0 and at most 1",
        ),
        (lambda: HighwayMLP(DIGITS, 10, NONE, depth=0), r"architecture\.depth=0: must be 1 or more"),
        (lambda: HighwayCNN(CIFAR, 10, NONE, 21), r"architecture\.depth=21: must be 6n\+2 .* 20 or 26"),
    ],
)
def test_impossible_keys_are_refused_in_one_line(build: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        build()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("shape", "stem", "message"),
    [
        (DIGITS, "cifar", r"images of 8 x 8 pixels are 1 x 1 .*: use normalizer=layer, or larger images"),
        (CIFAR, "imagenet", r"images of 32 x 32 pixels are 1 x 1 .*: use architecture\.stem=cifar, normalizer=layer"),
    ],
)
def test_an_instance_normalizer_needs_more_than_one_position(
    shape: tuple[int, int, int], stem: str, message: str
) -> None:
    parts = Parts(nn.ReLU, InstanceNormalizer())
    with pytest.raises(ConfigError, match=f"normalizer=instance: {message}"):
        ResNetImageNet(shape, 10, parts, 18, 2, stem=stem)  # type: ignore[arg-type]
    _, height, width = shape
    larger = (1, height + 1, width)  # of one pixel more, two positions are left
    assert ResNetImageNet(larger, 10, parts, 18, 2, stem=stem)(torch.randn(2, *larger)).shape == (2, 10)  # type: ignore[arg-type]
