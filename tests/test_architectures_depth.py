"""The depth axis of convolutional families and highway networks, at every image size."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from tests.image_networks import BATCH, CIFAR, DIGITS, MNIST, NONE
from vgp_bench.architectures.alexnet import AlexNet
from vgp_bench.architectures.densenet import DenseNet
from vgp_bench.architectures.highway_cnn import HighwayCNN
from vgp_bench.architectures.highway_mlp import HighwayMLP
from vgp_bench.architectures.lenet5 import LeNet5
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.resnet_imagenet import ResNetImageNet
from vgp_bench.architectures.stages import Architecture, Stage
from vgp_bench.architectures.vgg import VGG
from vgp_bench.components.activations import activation_modules

BUILD: dict[str, Callable[[tuple[int, int, int], Parts], Architecture]] = {
    "lenet5": lambda shape, parts: LeNet5(shape, 10, parts, pooling="max"),
    "alexnet": lambda shape, parts: AlexNet(shape, 10, parts, width=3, units=8),
    "vgg": lambda shape, parts: VGG(shape, 10, parts, 13, width=2, dropout=0.5),
    "resnet_imagenet basic": lambda shape, parts: ResNetImageNet(shape, 10, parts, 18, 2, drop_path=0.5),
    "resnet_imagenet bottleneck": lambda shape, parts: ResNetImageNet(
        shape, 10, parts, 50, 2, stem="imagenet", order="preactivation"
    ),
    "densenet": lambda shape, parts: DenseNet(shape, 10, parts, 10, 4, dropout=0.2),
    "densenet bc": lambda shape, parts: DenseNet(shape, 10, parts, 16, 4, bottleneck=True, compression=0.5),
    "highway_mlp": lambda shape, parts: HighwayMLP(shape, 10, parts, 5, 8),
    "highway_cnn": lambda shape, parts: HighwayCNN(shape, 10, parts, 14, 2),
}
everyone = pytest.mark.parametrize("name", BUILD)


def weight_layers(stage: Stage) -> int:
    """All but projection shortcuts and gates, which are beside the path."""
    layers = [
        layer
        for layer, module in stage.module.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d) and not layer.startswith(("shortcut", "gate"))
    ]
    return len(layers)


@everyone
@pytest.mark.parametrize("shape", [DIGITS, MNIST, CIFAR])
def test_stages_feed_each_other_and_every_parameter_learns(name: str, shape: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    model = BUILD[name](shape, BATCH)
    model.finish_initialization()
    fed: list[torch.Tensor] = []
    given: list[torch.Tensor] = []
    stages = model.stages()
    for stage in stages:
        stage.module.register_forward_pre_hook(lambda _, inputs: fed.append(inputs[0]))
        stage.module.register_forward_hook(lambda _, __, output: given.append(output))
    logits = model(torch.randn(4, *shape))
    assert logits.shape == (4, 10)
    assert len(fed) == len(given) == len(stages)
    assert all(after is before for after, before in zip(fed[1:], given[:-1], strict=True))
    assert given[-1] is logits
    logits.square().sum().backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert torch.isfinite(parameter.grad).all(), parameter_name


@everyone
def test_depth_counts_the_weight_layers_up_to_each_stage(name: str) -> None:
    model = BUILD[name](CIFAR, BATCH)
    stages, depth = model.stages(), 0
    for stage in stages:
        depth += weight_layers(stage)
        assert stage.depth == depth
    assert [stage.kind for stage in stages] == ["hidden"] * (len(stages) - 1) + ["output"]
    assert len({stage.name for stage in stages}) == len(stages)
    held = [id(parameter) for stage in stages for parameter in stage.module.parameters()]
    assert sorted(held) == sorted(id(parameter) for parameter in model.parameters())


@everyone
def test_activations_are_found_in_the_order_in_which_they_run_one_for_each_hidden_layer(name: str) -> None:
    model = BUILD[name](CIFAR, BATCH)
    ran: list[nn.Module] = []
    found = activation_modules(model)
    for module in found:
        module.register_forward_hook(lambda module, *_: ran.append(module))
    model(torch.randn(2, *CIFAR))
    assert ran == found
    assert len(found) == model.stages()[-1].depth - 1  # no gate is among them


def sizes(model: Architecture, shape: tuple[int, int, int]) -> list[int]:
    """Height of what each hidden convolutional stage gives out."""
    heights: list[int] = []
    for stage in model.stages()[:-1]:
        stage.module.register_forward_hook(
            lambda _, __, output: heights.append(output.shape[2]) if output.ndim == 4 else None
        )
    model(torch.randn(2, *shape))
    return heights


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (CIFAR, [32, 16, 16, 8, 8, 4, 4, 2, 2, 1]),
        (MNIST, [28, 14, 14, 7, 7, 4, 4, 2, 2, 1]),
        (DIGITS, [8, 4, 4, 2, 2, 2, 2, 2, 2, 1]),  # the pools of groups 3 and 4 are left out
    ],
)
def test_vgg_pools_after_each_group_but_never_below_two_positions(
    shape: tuple[int, int, int], expected: list[int]
) -> None:
    assert sizes(VGG(shape, 10, NONE, 13, width=2), shape) == expected


def test_image_sizes_in_the_other_networks() -> None:
    assert sizes(LeNet5(MNIST, 10, NONE), MNIST) == sizes(LeNet5(DIGITS, 10, NONE), DIGITS) == [14, 5]
    assert sizes(AlexNet(CIFAR, 10, NONE, 3, 8), CIFAR) == [16, 8, 8, 8, 4]
    resnet = ResNetImageNet(CIFAR, 10, BATCH, 18, 2)
    assert sizes(resnet, CIFAR) == [32, 32, 32, 16, 16, 8, 8, 4, 4]
    imagenet = ResNetImageNet((3, 224, 224), 10, BATCH, 18, 2, stem="imagenet")
    assert sizes(imagenet, (3, 224, 224)) == [56, 56, 56, 28, 28, 14, 14, 7, 7]  # table 1
    assert sizes(DenseNet(CIFAR, 10, BATCH, 7, 2), CIFAR) == [32, 32, 16, 16, 8, 8]


def test_lenet5_sees_small_images_in_the_middle_of_zeros() -> None:
    frame = LeNet5(DIGITS, 10, NONE).c1[0]
    framed = frame(torch.ones(1, *DIGITS))
    assert framed.shape == (1, 1, 32, 32)
    assert framed[..., 12:20, 12:20].sum() == framed.sum() == 64


# --- DenseNet ---


def test_a_dense_layer_keeps_what_it_got_and_adds_growth_channels() -> None:
    model = DenseNet(CIFAR, 10, BATCH, 10, 4)
    x = torch.randn(2, 16, 8, 8)
    joined = model.units[0](x)
    assert joined.shape == (2, 20, 8, 8)
    assert torch.equal(joined[:, :16], x)
    assert [type(module) for module in model.units[0].branch] == [nn.BatchNorm2d, nn.ReLU, nn.Conv2d]


def test_a_transition_keeps_the_share_of_the_channels() -> None:
    model = DenseNet(CIFAR, 10, BATCH, 16, 5, bottleneck=True, compression=0.5)
    # 2 growth channels of the stem and 2 layers of 5 are 20; half of them remain.
    transition = {stage.name: stage.module for stage in model.stages()}["transition_1"]
    assert transition(torch.randn(2, 20, 8, 8)).shape == (2, 10, 4, 4)
