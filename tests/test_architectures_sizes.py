"""Convolutional families and highway networks have as many weights as their papers say."""

import pytest
import torch
from torch import nn
from torchvision import models

from tests.image_networks import BATCH, CIFAR, MNIST, NONE
from vgp_bench.architectures.alexnet import AlexNet
from vgp_bench.architectures.densenet import DenseNet
from vgp_bench.architectures.highway_cnn import HighwayCNN
from vgp_bench.architectures.highway_mlp import HighwayMLP
from vgp_bench.architectures.lenet5 import LeNet5
from vgp_bench.architectures.plain_cnn import PlainCNN
from vgp_bench.architectures.resnet import ResNet
from vgp_bench.architectures.resnet_imagenet import ResNetImageNet
from vgp_bench.architectures.vgg import VGG


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_lenet5_has_the_weights_of_the_paper() -> None:
    # Section II.B, layer by layer: C1 156 and C5 48,120 as in the paper; C3 sees all 6 maps (16 * (6 * 25 + 1), the
    # paper's chosen few 1,516); F6 10,164; the classifier 10 * 85.
    by_stage = [parameters(stage.module) for stage in LeNet5(MNIST, 10, NONE).stages()]
    assert by_stage == [156, 2416, 48_120, 10_164, 850]
    assert sum(by_stage) == 61_706


# Simonyan & Zisserman 2014, table 2, in millions: with the paper's classifier on 7 x 7 positions of 512 channels.
@pytest.mark.parametrize(("depth", "expected"), [(11, 133), (13, 133), (16, 138), (19, 144)])
def test_the_convolutions_of_vgg_have_the_weights_of_the_paper(depth: int, expected: int) -> None:
    classifier = 4096 * (7 * 7 * 512 + 1) + 4096 * 4097 + 1000 * 4097
    with torch.device("meta"):
        model = VGG(CIFAR, 10, NONE, depth)
    convolutions = sum(parameters(stage.module) for stage in model.stages()[:-1])
    assert round((convolutions + classifier) / 1e6) == expected
    assert model.stages()[-1].depth == depth - 2  # one layer in place of the paper's three


def test_vgg16_for_cifar_has_14_7_million() -> None:
    with torch.device("meta"):
        assert round(parameters(VGG(CIFAR, 10, BATCH)) / 1e6, 1) == 14.7


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_imagenet_resnets_are_as_large_as_torchvisions(depth: int) -> None:
    with torch.device("meta"):
        theirs = parameters(getattr(models, f"resnet{depth}")(num_classes=10))
        cifar = ResNetImageNet(CIFAR, 10, BATCH, depth)
        imagenet = ResNetImageNet((3, 224, 224), 10, BATCH, depth, stem="imagenet")
    assert parameters(imagenet) == theirs
    assert parameters(cifar) == theirs - 3 * 64 * (7 * 7 - 3 * 3)
    assert cifar.stages()[-1].depth == depth


# Huang et al. 2017, table 2, in millions.
@pytest.mark.parametrize(
    ("depth", "growth", "bc", "expected"),
    [(40, 12, False, 1.0), (100, 12, False, 7.0), (100, 24, False, 27.2), (100, 12, True, 0.8), (250, 24, True, 15.3)],
)
def test_densenets_have_the_parameters_of_the_paper(depth: int, growth: int, bc: bool, expected: float) -> None:
    with torch.device("meta"):
        model = DenseNet(CIFAR, 10, BATCH, depth, growth, bottleneck=bc, compression=0.5 if bc else 1.0)
    assert round(parameters(model) / 1e6, 1) == expected
    assert model.stages()[-1].depth == depth


# He et al. 2015, table 6: untouched by what residual networks share now.
@pytest.mark.parametrize(("depth", "expected"), [(20, 0.27), (56, 0.85), (110, 1.7)])
def test_cifar_resnets_have_the_parameters_of_the_paper(depth: int, expected: float) -> None:
    with torch.device("meta"):
        model = ResNet(CIFAR, 10, BATCH, depth)
    assert round(parameters(model) / 1e6, 2 if expected < 1 else 1) == expected


def test_alexnet_has_the_papers_channels() -> None:
    # Section 3.5: 96, 256, 384, 384, 256; here all 3 x 3, of all channels, and 4 x 4 positions for 1024 units.
    channels = [3, 96, 256, 384, 384, 256]
    dense = [256 * 4 * 4, 1024, 1024, 10]
    expected = [9 * channels[i] * channels[i + 1] + channels[i + 1] for i in range(5)]
    expected += [dense[i] * dense[i + 1] + dense[i + 1] for i in range(3)]
    with torch.device("meta"):
        assert [parameters(stage.module) for stage in AlexNet(CIFAR, 10, NONE).stages()] == expected


def test_gates_double_the_weights_of_highway_layers() -> None:
    mlp = HighwayMLP(MNIST, 10, NONE, depth=50, width=50)
    assert parameters(mlp) == 785 * 50 + 49 * 2 * 50 * 51 + 51 * 10
    # depth 20, three groups of 6: 16 of the 18 keep their shape, and so do their gates
    gates = 9 * (6 * 16**2 + 5 * 32**2 + 5 * 64**2) + 6 * 16 + 5 * 32 + 5 * 64
    assert parameters(HighwayCNN(CIFAR, 10, NONE)) == parameters(PlainCNN(CIFAR, 10, NONE)) + gates
