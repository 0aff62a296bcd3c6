"""What the papers prescribe for residual branches at the start, and what follows for the gradient."""

import itertools
import math

import pytest
import torch
from torch import nn

from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.residual import LearnableScale, ScalarBias
from vgp_bench.architectures.residual_mlp import ResidualMLP
from vgp_bench.architectures.resnet import ResNet
from vgp_bench.components.initializers import VarianceScaling
from vgp_bench.components.normalizers import BatchNormalizer, NoNormalizer

HE = VarianceScaling(gain=math.sqrt(2))
SHAPE, CLASSES = (3, 8, 8), 10


def started(model, activation=nn.ReLU):
    HE.initialize(model, activation, torch.randn(4, *SHAPE))
    model.finish_initialization()
    return model


def normalizer_for(residual):
    return NoNormalizer() if residual in ("skipinit", "fixup") else BatchNormalizer()


@pytest.mark.parametrize("order", ["original", "preactivation"])
@pytest.mark.parametrize("residual", ["zero_init", "rezero", "skipinit", "fixup"])
def test_blocks_start_as_the_identity(residual, order):
    parts = Parts(nn.ReLU, normalizer_for(residual))
    mlp = started(ResidualMLP(SHAPE, CLASSES, parts, 5, 16, order, residual))
    resnet = started(ResNet(SHAPE, CLASSES, parts, 20, 8, order=order, residual=residual))
    bottleneck = started(ResNet(SHAPE, CLASSES, parts, 29, 8, "bottleneck", order, residual=residual))
    dense, positive = torch.randn(6, 16).abs(), torch.randn(6, 8, 8, 8).abs()
    assert all(torch.equal(block(dense), dense) for block in mlp.blocks)
    assert all(torch.equal(block(positive), positive) for block in resnet.blocks[:3])
    wide = torch.randn(6, 32, 8, 8).abs()
    assert all(torch.equal(block(wide), wide) for block in bottleneck.blocks[1:3])


@pytest.mark.parametrize("order", ["original", "preactivation"])
@pytest.mark.parametrize("residual", ["zero_init", "rezero", "skipinit"])
def test_a_branch_that_starts_at_zero_can_leave_it(residual, order):
    parts = Parts(nn.ReLU, normalizer_for(residual))
    model = started(ResNet(SHAPE, CLASSES, parts, 8, 8, order=order, residual=residual))
    nn.functional.cross_entropy(model(torch.randn(8, *SHAPE)), torch.arange(8)).backward()
    for block in model.blocks:
        assert any(parameter.grad.any() for parameter in block.branch.parameters())


@pytest.mark.parametrize(("block", "m", "depth"), [("basic", 2, 26), ("bottleneck", 3, 38)])
def test_fixup_as_in_the_paper(block, m, depth):
    model = started(ResNet(SHAPE, CLASSES, Parts(nn.ReLU, NoNormalizer()), depth, 32, block, residual="fixup"))
    count = 12
    assert len(model.blocks) == count
    for residual_block in model.blocks:
        *inner, last = (module for module in residual_block.branch if isinstance(module, nn.Conv2d))
        assert not last.weight.any()
        for conv in inner:
            he = math.sqrt(2 / conv.weight[0].numel())
            assert conv.weight.std().item() == pytest.approx(he * count ** (-1 / (2 * m - 2)), rel=0.1)
            assert conv.bias is None
        # One multiplier; a bias before every convolution and activation (rule 3), the one after the sum included.
        scales = [module for module in residual_block.modules() if isinstance(module, LearnableScale)]
        biases = [module for module in residual_block.modules() if isinstance(module, ScalarBias)]
        assert [scale.scale.item() for scale in scales] == [1.0]
        assert [bias.bias.item() for bias in biases] == [0.0] * 2 * m
    logits = model(torch.randn(4, *SHAPE))
    assert not logits.any()


def test_fixup_leaves_single_layer_branches_at_zero():
    model = started(ResidualMLP(SHAPE, CLASSES, Parts(nn.ReLU, NoNormalizer()), 6, 16, residual="fixup"))
    assert all(not p.any() for block in model.blocks for p in block.parameters() if p.ndim == 2)


def gradient_norms(model, seed):
    """||dL/dh|| at the input stage and after each block, from a random gradient at the last block."""
    torch.manual_seed(seed)
    started(model)
    h = model.input(torch.randn(128, math.prod(SHAPE)))
    hidden = [h]
    for block in model.blocks:
        hidden.append(block(hidden[-1]))
    gradients = torch.autograd.grad((hidden[-1] * torch.randn_like(h)).sum(), hidden)
    return [gradient.norm().item() for gradient in gradients]


def growth_per_block(model, seeds=3):
    factors = []
    for seed in range(seeds):
        norms = gradient_norms(model, seed)
        factors += [math.log(lower / upper) for lower, upper in itertools.pairwise(norms)]
    return math.exp(sum(factors) / len(factors))


# x + F(x) with F variance-preserving: E||g||^2 doubles in every block (Zhang et al. 2019, section 2).
@pytest.mark.parametrize("blocks", [5, 10])
def test_the_gradient_grows_by_sqrt_two_in_every_block(blocks):
    model = ResidualMLP(SHAPE, CLASSES, Parts(nn.ReLU, NoNormalizer()), blocks + 1, 512)
    assert growth_per_block(model) == pytest.approx(math.sqrt(2), rel=0.02)


def test_depth_scaled_branches_keep_the_growth_below_sqrt_e():
    model = ResidualMLP(SHAPE, CLASSES, Parts(nn.ReLU, NoNormalizer()), 11, 512, residual="depth_scaled")
    assert growth_per_block(model) == pytest.approx(math.sqrt(1 + 1 / 10), rel=0.01)


def test_rezero_passes_the_gradient_unchanged():
    model = ResidualMLP(SHAPE, CLASSES, Parts(nn.ReLU, NoNormalizer()), 11, 64, residual="rezero")
    norms = gradient_norms(model, 0)
    assert norms == [norms[0]] * 11
