"""The saturation rule against a slow twin (autograd at every value) and against closed forms."""

import math
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import nn

from vgp_bench.components.saturation import saturated_count, saturated_intervals, saturation_counter

YAMLS = sorted((Path(__file__).parent.parent / "configs/activation").glob("*.yaml"))
INF = float("inf")


def slope(module, z):
    z = z.detach().clone().requires_grad_()
    return torch.autograd.grad(module(z).sum(), z)[0].abs()


def twin(module, z):
    """(surely saturated, possibly saturated): they differ by values within rounding of the 5 % line."""
    steepest = slope(module, torch.linspace(-40, 40, 800_001)).max()
    share = slope(module, z) / steepest
    return int((share < 0.05 - 1e-5).sum()), int((share < 0.05 + 1e-5).sum())


@pytest.mark.parametrize("path", YAMLS, ids=lambda path: path.stem)
@pytest.mark.parametrize("scale", [0.5, 3.0, 30.0])
def test_count_equals_the_autograd_twin(path, scale):
    module = instantiate(OmegaConf.load(path), _partial_=True)()
    z = torch.randn(50, 6, 10, 10) * scale
    z[0] = 0.0
    least, most = twin(module, z)
    count = saturated_count(module, z)
    assert least <= int(count) <= most
    assert most - least <= 5


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.Identity(), []),
        (nn.ReLU(), [(-INF, 0.0)]),
        (nn.LeakyReLU(0.01), [(-INF, 0.0)]),
        (nn.LeakyReLU(0.2), []),
        (nn.Hardsigmoid(), [(-INF, -3.0), (3.0, INF)]),
        # sigmoid' = s (1 - s) = 1/80
        (nn.Sigmoid(), [(-INF, -2 * math.acosh(math.sqrt(20))), (2 * math.acosh(math.sqrt(20)), INF)]),
        (nn.Tanh(), [(-INF, -math.acosh(math.sqrt(20))), (math.acosh(math.sqrt(20)), INF)]),
        (nn.Softsign(), [(-INF, 1 - math.sqrt(20)), (math.sqrt(20) - 1, INF)]),
        (nn.ELU(), [(-INF, math.log(0.05))]),
        (nn.SELU(), [(-INF, math.log(0.05))]),
        (nn.Softplus(), [(-INF, -math.log(19))]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_intervals_match_the_closed_form(module, expected):
    found = saturated_intervals(module)
    assert len(found) == len(expected)
    for interval, wanted in zip(found, expected, strict=True):
        assert interval == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(
    ("module", "dip"),
    [(nn.GELU(), -0.7518), (nn.SiLU(), -1.2785), (nn.Mish(), -1.1924)],  # where phi' = 0
)
def test_the_dip_around_the_minimum_counts_too(module, dip):
    (low, _), (left, right) = saturated_intervals(module)
    assert low == -INF
    assert left < dip < right
    assert slope(module, torch.tensor([dip])).item() < 1e-3


def test_relu_at_zero_is_saturated_and_nan_is_not():
    z = torch.tensor([0.0, -0.0, float("nan"), -INF, INF, 1e-30])
    assert int(saturated_count(nn.ReLU(), z)) == 3


@pytest.mark.parametrize(("slopes", "expected"), [(0.04, 3), (0.06, 0), (-0.04, 3), (21.0, 2), (19.0, 0)])
def test_prelu_follows_its_live_parameter(slopes, expected):
    module = nn.PReLU()
    count = saturation_counter(module)
    with torch.no_grad():
        module.weight.fill_(slopes)
    assert int(count(torch.tensor([-1.0, -2.0, 0.0, 1.0, 2.0]))) == expected


def test_prelu_with_a_slope_for_every_unit():
    module = nn.PReLU(num_parameters=2)
    with torch.no_grad():
        module.weight.copy_(torch.tensor([0.01, 0.5]))
    z = -torch.ones(3, 2, 4, 4)
    assert int(saturated_count(module, z)) == 3 * 4 * 4


class LearnableSwish(nn.Module):
    def __init__(self):
        super().__init__()
        self.beta = nn.Parameter(torch.tensor(1.0))

    def forward(self, z):
        return z * torch.sigmoid(self.beta * z)


def test_a_learnable_activation_of_the_user_is_counted_live():
    module = LearnableSwish()
    z = torch.randn(200, 30) * 4
    least, most = twin(nn.SiLU(), z)
    assert least - 2 <= int(saturated_count(module, z)) <= most + 2
    with torch.no_grad():
        module.beta.fill_(0.0)  # z / 2: never saturated
    assert int(saturated_count(module, z)) == 0


class Sine(nn.Module):
    def forward(self, z):
        return torch.sin(z)


def test_a_periodic_activation_is_counted_too():
    z = torch.rand(100, 100) * 12 - 6
    assert int(saturated_count(Sine(), z)) == pytest.approx(twin(Sine(), z)[0], abs=3)


def test_two_settings_of_one_class_have_their_own_rule():
    z = -torch.ones(5, 5)
    assert int(saturated_count(nn.LeakyReLU(0.01), z)) == 25
    assert int(saturated_count(nn.LeakyReLU(0.2), z)) == 0


def test_counting_runs_no_hook_and_draws_no_random_number():
    module, calls = nn.RReLU(), []
    module.register_forward_hook(lambda *_: calls.append(1))
    state = torch.get_rng_state()
    saturated_count(module, torch.randn(3, 3, generator=torch.Generator().manual_seed(0)))
    assert not calls
    assert torch.equal(torch.get_rng_state(), state)


def test_a_tensor_that_requires_grad_and_half_precision_are_counted():
    z = torch.randn(64, 64, requires_grad=True)
    expected = int((z <= 0).sum())
    assert int(saturated_count(nn.ReLU(), z)) == expected
    assert int(saturated_count(nn.ReLU(), z.to(torch.bfloat16))) == expected


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("path", YAMLS, ids=lambda path: path.stem)
def test_the_count_on_a_gpu_equals_that_on_the_cpu_and_does_not_wait(path):
    module = instantiate(OmegaConf.load(path), _partial_=True)()
    z = torch.randn(64, 100) * 3
    expected = saturated_count(module, z)
    on_gpu, count = z.cuda(), saturation_counter(module.cuda())
    torch.cuda.set_sync_debug_mode("error")
    try:
        found = count(on_gpu)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert int(found) == int(expected)
