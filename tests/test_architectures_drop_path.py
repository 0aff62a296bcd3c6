"""Stochastic depth and dropout: rates, places, and nothing of it when testing."""

import pytest
import torch
from torch import nn
from torchvision.ops import StochasticDepth

from tests.image_networks import BATCH, CIFAR, DIGITS, NONE
from vgp_bench.architectures.alexnet import AlexNet
from vgp_bench.architectures.densenet import DenseNet
from vgp_bench.architectures.resnet import ResNet
from vgp_bench.architectures.resnet_imagenet import ResNetImageNet
from vgp_bench.architectures.vgg import VGG


def drop_rates(model: nn.Module) -> list[float]:
    return [module.p for module in model.modules() if isinstance(module, StochasticDepth)]


def test_drop_rates_grow_linearly_to_the_last_block() -> None:
    # Huang et al. 2016, equation 4: block l of L survives with probability 1 - l / L (1 - p_L).
    assert drop_rates(ResNet(DIGITS, 10, BATCH, 20, 4, drop_path=0.5)) == pytest.approx(
        [0.5 * block / 9 for block in range(1, 10)]
    )
    deep = ResNetImageNet(DIGITS, 10, BATCH, 50, 2, drop_path=0.2)
    assert drop_rates(deep) == pytest.approx([0.2 * block / 16 for block in range(1, 17)])
    assert drop_rates(ResNet(DIGITS, 10, BATCH, 20, 4)) == []


@pytest.mark.parametrize("order", ["original", "preactivation"])
def test_a_dropped_branch_leaves_the_shortcut_and_a_kept_one_is_scaled(order: str) -> None:
    torch.manual_seed(0)
    model = ResNet(DIGITS, 10, NONE, 8, 4, order=order, drop_path=0.6)  # type: ignore[arg-type]
    block = model.blocks[0]  # of three: dropped with probability .2
    x = torch.rand(400, 4, 8, 8)
    trained = block(x)
    branch = block.eval()(x)
    if order == "preactivation":
        branch = x + (branch - x) / 0.8
        kept = [torch.allclose(a, b, atol=1e-5) for a, b in zip(trained, branch, strict=True)]
        dropped = [torch.equal(a, b) for a, b in zip(trained, x, strict=True)]
        assert all(a != b for a, b in zip(kept, dropped, strict=True))
    else:
        dropped = [torch.equal(a, b) for a, b in zip(trained, torch.relu(x), strict=True)]
    assert 40 < sum(dropped) < 130  # 80 expected, standard deviation 8


def test_dropping_is_off_when_testing() -> None:
    model = ResNetImageNet(DIGITS, 10, BATCH, 18, 2, drop_path=0.9).eval()
    images = torch.randn(8, *DIGITS)
    assert torch.equal(model(images), model(images))


@pytest.mark.parametrize("order", ["original", "preactivation"])
def test_zero_init_finds_the_end_of_a_branch_before_stochastic_depth(order: str) -> None:
    model = ResNet(DIGITS, 10, BATCH, 8, 4, order=order, residual="zero_init", drop_path=0.5)  # type: ignore[arg-type]
    model.finish_initialization()
    x = torch.rand(6, 4, 8, 8)
    assert torch.equal(model.blocks[0](x), x)


@pytest.mark.parametrize("residual", ["zero_init", "rezero", "skipinit", "fixup", "depth_scaled"])
@pytest.mark.parametrize("order", ["original", "preactivation"])
def test_residual_forms_of_imagenet_resnets_learn(residual: str, order: str) -> None:
    parts = NONE if residual in ("skipinit", "fixup") else BATCH
    for depth, shortcut in ((18, "A"), (50, "B")):
        model = ResNetImageNet(
            *(DIGITS, 10, parts, depth, 2),
            order=order,  # type: ignore[arg-type]
            shortcut=shortcut,  # type: ignore[arg-type]
            residual=residual,  # type: ignore[arg-type]
        )
        model.finish_initialization()
        model(torch.randn(4, *DIGITS)).square().sum().backward()
        assert all(parameter.grad is not None for parameter in model.parameters())


def test_dropout_is_where_the_papers_have_it_and_nowhere_at_rate_0() -> None:
    def count(model: nn.Module) -> int:
        return sum(isinstance(module, nn.Dropout) for module in model.modules())

    assert count(AlexNet(CIFAR, 10, NONE, 3, 8)) == 2
    assert count(VGG(CIFAR, 10, NONE, 11, 2, dropout=0.5)) == 1
    # every convolution but the stem: 3 * 2 dense layers of two each, and two transitions
    assert count(DenseNet(CIFAR, 10, NONE, 16, 4, bottleneck=True, dropout=0.2)) == 14
    assert count(AlexNet(CIFAR, 10, NONE, 3, 8, dropout=0)) == count(DenseNet(CIFAR, 10, NONE, 10, 4)) == 0
