from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import nn

from vgp_bench.components.normalizers import GroupNormalizer, InstanceNormalizer, NoNormalizer, RMSNormalizer
from vgp_bench.components.weight_standardization import StandardizedConv2d, StandardizedLinear, standardized
from vgp_bench.errors import ConfigError

YAMLS = sorted((Path(__file__).parent.parent / "configs/normalizer").glob("*.yaml"))
AXES = {  # the axes over which each normalizer averages a (n, c, h, w) tensor; group: see below
    "batch": (0, 2, 3),
    "layer": (1, 2, 3),
    "instance": (2, 3),
}


def load(name, **keys):
    return instantiate(OmegaConf.load(next(path for path in YAMLS if path.stem == name)), **keys)


def test_every_listed_normalizer_has_its_file():
    assert {path.stem for path in YAMLS} >= {"none", "batch", "layer", "group", "instance", "rms"}


@pytest.mark.parametrize("name", AXES)
def test_mean_zero_and_variance_one_over_the_axes(name):
    x = torch.randn(8, 16, 5, 5) * 3 + 2
    y = load(name).layer(16, spatial=True)(x)
    assert torch.allclose(y.mean(AXES[name]), torch.zeros(()), atol=1e-5)
    assert torch.allclose(y.var(AXES[name], correction=0), torch.ones(()), atol=1e-4)


def test_group_normalizes_each_group():
    y = load("group").layer(16, spatial=True)(torch.randn(4, 16, 5, 5) * 3 + 2).view(4, 8, 2, 5, 5)
    assert torch.allclose(y.mean((2, 3, 4)), torch.zeros(()), atol=1e-5)
    assert torch.allclose(y.var((2, 3, 4), correction=0), torch.ones(()), atol=1e-4)


@pytest.mark.parametrize("spatial", [True, False])
def test_rms_has_mean_square_one_per_sample_and_keeps_the_mean(spatial):
    x = torch.randn(6, 16, 5, 5) if spatial else torch.randn(6, 400)
    layer = RMSNormalizer().layer(x.shape[1], spatial)
    y = layer(x + 2)
    assert torch.allclose(y.flatten(1).square().mean(1), torch.ones(6), atol=1e-4)
    assert (y.flatten(1).mean(1) > 0.5).all()
    assert [parameter.shape for parameter in layer.parameters()] == [(x.shape[1],)]


@pytest.mark.parametrize("path", YAMLS, ids=lambda path: path.stem)
def test_gains_start_at_one_and_shifts_at_zero_as_has_shift_says(path):
    normalizer = load(path.stem)
    parameters = dict(normalizer.layer(16, spatial=True).named_parameters())
    assert ("weight" in parameters) == normalizer.normalizes
    assert ("bias" in parameters) == normalizer.has_shift
    assert all(torch.equal(p, torch.ones(16) if n == "weight" else torch.zeros(16)) for n, p in parameters.items())


def test_instance_on_a_dense_layer_says_what_to_use():
    with pytest.raises(ConfigError, match=r"normalizer=instance.*normalizer=layer"):
        InstanceNormalizer().layer(16, spatial=False)


@pytest.mark.parametrize(
    ("groups", "features", "choices"), [(8, 12, "6 or 12"), (32, 16, "16"), (0, 16, "1"), (5, 16, "4 or 8")]
)
def test_groups_that_do_not_divide_name_the_near_choices(groups, features, choices):
    with pytest.raises(ConfigError, match=rf"groups={groups}: .*{features} features: use {choices}, or"):
        GroupNormalizer(groups=groups).layer(features, spatial=True)


def test_placement_is_checked():
    with pytest.raises(ConfigError, match=r"normalizer\.placement=befor: use before or after"):
        NoNormalizer(placement="befor")


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_standardized_filters_have_mean_zero_and_variance_one(scale):
    weight = standardized(torch.randn(6, 4, 3, 3) * scale + 0.3)
    assert torch.allclose(weight.mean((1, 2, 3)), torch.zeros(6), atol=1e-5)
    assert torch.allclose(weight.var((1, 2, 3), correction=0), torch.ones(6), atol=1e-4)


def test_standardized_layers_use_the_standardized_weight_and_learn_the_plain_one():
    linear, conv = StandardizedLinear(8, 3), StandardizedConv2d(8, 3, 3, padding=1)
    x, image = torch.randn(5, 8), torch.randn(5, 8, 4, 4)
    expected = nn.functional.linear(x, standardized(linear.weight), linear.bias)
    assert torch.equal(linear(x), expected)
    expected = nn.functional.conv2d(image, standardized(conv.weight), conv.bias, padding=1)
    assert torch.equal(conv(image), expected)
    linear(x).square().sum().backward()
    # The output is blind to scale and shift of a row, so the gradient is orthogonal to both.
    assert torch.allclose(linear.weight.grad.sum(1), torch.zeros(3), atol=1e-4)
    assert torch.allclose((linear.weight.grad * linear.weight).sum(1), torch.zeros(3), atol=1e-4)
