"""Sizes of the CIFAR networks against the papers."""

import pytest
import torch
from torch import nn

from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.plain_cnn import PlainCNN
from vgp_bench.architectures.residual_net import SubsampleShortcut
from vgp_bench.architectures.resnet import ResNet
from vgp_bench.components.normalizers import BatchNormalizer
from vgp_bench.errors import ConfigError

SHAPE, CLASSES = (3, 32, 32), 10
PARTS = Parts(nn.ReLU, BatchNormalizer())


def million_parameters(model):
    return sum(parameter.numel() for parameter in model.parameters()) / 1e6


# He et al. 2015, table 6.
@pytest.mark.parametrize(
    ("depth", "expected"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7), (1202, 19.4)]
)
def test_parameters_of_resnets_and_their_plain_twins(depth, expected):
    digits = 2 if expected < 1 else 1
    with torch.device("meta"):
        resnet, plain = ResNet(SHAPE, CLASSES, PARTS, depth), PlainCNN(SHAPE, CLASSES, PARTS, depth)
    assert round(million_parameters(resnet), digits) == expected
    # Option A has no parameters: a net and its plain twin are equally large (section 4.2).
    assert million_parameters(plain) == million_parameters(resnet)


# Huang et al. 2017 (DenseNet), table 2, rows of He et al. 2016.
@pytest.mark.parametrize(("depth", "expected"), [(164, 1.7), (1001, 10.2)])
def test_parameters_of_preactivation_bottleneck_resnets(depth, expected):
    with torch.device("meta"):
        model = ResNet(SHAPE, CLASSES, PARTS, depth, 16, "bottleneck", "preactivation", "B")
    # The table's figures are those of the filters; gains and shifts of 1001 layers come to 0.15 million more.
    weights = sum(weight.numel() for stage in model.stages() for weight in stage.weights())
    assert round(weights / 1e6, 1) == expected


def test_shortcut_b_adds_a_projection_where_the_shape_changes():
    plain, projected = (ResNet(SHAPE, CLASSES, PARTS, 20, shortcut=shortcut) for shortcut in ("A", "B"))
    extra = 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    assert million_parameters(projected) - million_parameters(plain) == pytest.approx(extra / 1e6)


def test_shortcut_a_keeps_every_second_position_and_fills_with_zeros():
    images = torch.randn(2, 3, 8, 8)
    shortened = SubsampleShortcut(2, 3)(images)
    assert torch.equal(shortened[:, :3], images[:, :, ::2, ::2])
    assert shortened.shape == (2, 6, 4, 4)
    assert not shortened[:, 3:].any()


@pytest.mark.parametrize("size", [7, 8, 28, 32])
def test_groups_halve_the_images(size):
    for model in (PlainCNN((1, size, size), 10, PARTS, 8, 4), ResNet((1, size, size), 10, PARTS, 8, 4)):
        shapes = []
        for stage in model.stages()[:-1]:
            stage.module.register_forward_hook(lambda _, __, output, shapes=shapes: shapes.append(output.shape[1:]))
        model(torch.randn(2, 1, size, size))
        half, quarter = -(-size // 2), -(-size // 4)
        assert shapes[0] == (4, size, size)
        assert (8, half, half) in shapes
        assert shapes[-1] == (16, quarter, quarter)


@pytest.mark.parametrize(
    ("build", "depth", "message"),
    [
        (lambda depth: ResNet(SHAPE, CLASSES, PARTS, depth), 21, r"architecture\.depth=21: must be 6n\+2 .* 20 or 26"),
        (lambda depth: PlainCNN(SHAPE, CLASSES, PARTS, depth), 57, "use 56 or 62"),
        (lambda depth: PlainCNN(SHAPE, CLASSES, PARTS, depth), 2, "use 8 or 14"),
        (lambda depth: ResNet(SHAPE, CLASSES, PARTS, depth), -3, "use 8 or 14"),
    ],
)
def test_impossible_depths_name_the_near_ones(build, depth, message):
    with pytest.raises(ConfigError, match=message):
        build(depth)


def test_impossible_depth_of_bottlenecks():
    with pytest.raises(ConfigError, match=r"architecture\.depth=1000: must be 9n\+2 .* use 992 or 1001"):
        ResNet(SHAPE, CLASSES, PARTS, 1000, block="bottleneck")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ({"block": "wide"}, r"architecture\.block=wide: use basic or bottleneck"),
        ({"shortcut": "C"}, r"architecture\.shortcut=C: use A or B"),
        ({"order": "post"}, r"architecture\.order=post: use one of original, preactivation"),
        ({"residual": "zero"}, r"architecture\.residual=zero: use one of plain, zero_init, rezero, skipinit, fixup"),
    ],
)
def test_unknown_choices_name_the_known_ones(key, message):
    with pytest.raises(ConfigError, match=message):
        ResNet(SHAPE, CLASSES, PARTS, **key)
