"""Highway networks against their paper: gates, what they carry at the start, where the shape changes."""

import math

import pytest
import torch
from torch import nn

from tests.image_networks import CIFAR, DIGITS, NONE
from vgp_bench.architectures.highway import HighwayLayer
from vgp_bench.architectures.highway_cnn import HighwayCNN
from vgp_bench.architectures.highway_mlp import HighwayMLP
from vgp_bench.architectures.mlp import MLP
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.stages import Architecture
from vgp_bench.components.initializers import NormalWeights, VarianceScaling
from vgp_bench.components.normalizers import NoNormalizer


def carried(layers: int, gate_bias: float) -> float:
    """||dL/dh_1|| / ||dL/dh_L|| where H is 0 and W_T is 0."""
    model = HighwayMLP(DIGITS, 10, NONE, depth=layers + 1, width=8, gate_bias=gate_bias)
    NormalWeights(std=0.0, bias_mean=3.0).initialize(model, nn.ReLU, torch.randn(4, *DIGITS))
    model.finish_initialization()
    for layer in model.hidden[1:]:
        nn.init.zeros_(layer.transform[0].bias)
    first = torch.randn(16, 8, requires_grad=True)
    last = model.hidden[1:](first)
    (gradient,) = torch.autograd.grad((last * torch.ones_like(last)).sum(), first)
    return float(gradient.norm() / torch.ones_like(last).norm())


@pytest.mark.parametrize(("layers", "gate_bias"), [(1, -2), (50, -2), (100, -2), (50, -4), (100, -4)])
def test_layers_start_by_carrying_whatever_the_initializer_did_to_the_gates(layers: int, gate_bias: float) -> None:
    carry = 1 - 1 / (1 + math.exp(-gate_bias))
    assert carried(layers, gate_bias) == pytest.approx(carry**layers, rel=1e-4)


def test_drawn_gates_carry_about_as_much() -> None:
    torch.manual_seed(0)
    layer = HighwayMLP(DIGITS, 10, NONE, depth=2, width=400).hidden[1]
    assert isinstance(layer, HighwayLayer)
    VarianceScaling().initialize(layer, nn.ReLU, torch.randn(4, *DIGITS))
    nn.init.zeros_(layer.transform[0].weight)
    nn.init.constant_(layer.gate.bias, -2.0)
    x = torch.randn(64, 400)
    # W_T x is Normal(0, 1): E[1 - sigmoid(z - 2)] over it is .845 (quadrature), against .881 for W_T = 0.
    z = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    density = torch.exp(-(z**2) / 2)
    expected = float((density * torch.sigmoid(2 - z)).sum() / density.sum())
    assert float((layer(x) / x).mean().detach()) == pytest.approx(expected, abs=0.01)


def test_a_highway_layer_is_the_formula() -> None:
    torch.manual_seed(0)
    for layer, x in (
        (HighwayMLP(DIGITS, 10, NONE, 2, 8).hidden[1], torch.randn(4, 8)),
        (HighwayCNN(DIGITS, 10, NONE, 8, 4).layers[1], torch.randn(4, 4, 8, 8)),
    ):
        assert isinstance(layer, HighwayLayer)
        transformed, gate = layer.transform(x), 1 / (1 + torch.exp(-layer.gate(x)))
        assert torch.allclose(layer(x), gate * transformed + (1 - gate) * x, atol=1e-6)


def test_highway_convolutions_are_plain_where_the_shape_changes() -> None:
    layers = HighwayCNN(CIFAR, 10, NONE, 14, 4).layers
    assert [isinstance(layer, HighwayLayer) for layer in layers] == [
        *[False, True, True, True, True],
        *[False, True, True, True],
        *[False, True, True, True],
    ]


def test_closed_gates_bring_the_gradient_to_the_first_of_fifty_layers() -> None:
    def share_that_arrives(model: Architecture) -> float:
        torch.manual_seed(0)
        images, labels = torch.randn(32, *DIGITS), torch.arange(32) % 10
        VarianceScaling().initialize(model, nn.Sigmoid, images)
        model.finish_initialization()
        nn.functional.cross_entropy(model(images), labels).backward()
        first, last = (model.stages()[index].weights()[0].grad for index in (0, -2))
        assert first is not None
        assert last is not None
        return float(first.norm() / last.norm())

    parts = Parts(nn.Sigmoid, NoNormalizer())
    # phi' is 1/4 at most and ||W x|| about ||x||: plain layers let 4^-49, about 1e-30, through; gates with b_T = -2
    # about .85^49, 3e-4, by the carried part alone.
    assert share_that_arrives(MLP(DIGITS, 10, parts, depth=50, width=50)) < 1e-25
    assert share_that_arrives(HighwayMLP(DIGITS, 10, parts, depth=50, width=50)) > 1e-5
