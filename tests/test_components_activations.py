import copy
import math
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import nn

from vgp_bench.components.activations import activation_modules, gain, make_activation
from vgp_bench.errors import ConfigError

YAMLS = sorted((Path(__file__).parent.parent / "configs/activation").glob("*.yaml"))


def test_every_listed_activation_has_its_file():
    assert {path.stem for path in YAMLS} >= {
        *("identity", "sigmoid", "hard_sigmoid", "tanh", "softsign", "relu", "leaky_relu", "prelu", "elu", "selu"),
        *("gelu", "silu", "mish", "softplus"),
    }


@pytest.mark.parametrize("path", YAMLS, ids=lambda path: path.stem)
def test_a_config_is_a_factory_of_fresh_elementwise_modules(path):
    factory = instantiate(OmegaConf.load(path), _partial_=True)
    first, second = factory(), factory()
    assert first is not second
    z = torch.randn(4, 7)
    before = z.clone()
    assert first(z).shape == z.shape
    assert torch.equal(z, before), "in-place"


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.Identity(), 1.0),
        (nn.ReLU(), math.sqrt(2)),  # He et al. 2015, equation 10
        (nn.LeakyReLU(0.3), math.sqrt(2 / (1 + 0.3**2))),  # equation 15
        (nn.SELU(), 1.0),  # its fixed point, Klambauer et al. 2017
        (nn.Hardtanh(-1e-3, 1e-3), 1e3),  # +-1e-3 nearly everywhere
    ],
)
def test_gain_matches_the_closed_form(module, expected):
    assert gain(module) == pytest.approx(expected, rel=1e-3 if isinstance(module, nn.Hardtanh) else 1e-6)


def test_gain_of_a_learnable_slope_is_that_of_its_present_value():
    assert gain(nn.PReLU(init=0.5)) == pytest.approx(math.sqrt(2 / 1.25), rel=1e-5)


def test_gain_names_the_key_to_set_where_there_is_none():
    with pytest.raises(ConfigError, match=r"PReLU.*initializer\.gain"):
        gain(nn.PReLU(num_parameters=16))
    with pytest.raises(ConfigError, match=r"E\[phi\(z\)\^2\] is 0"):
        gain(nn.Threshold(1e9, 0.0))


class Own(nn.Module):
    def forward(self, z):
        return z**3


def test_made_activations_are_found_in_order_whatever_their_class():
    made = [make_activation(factory) for factory in (Own, nn.Identity, nn.Tanh)]
    net = nn.Sequential(made[0], nn.Linear(3, 3), nn.Sequential(nn.Identity(), made[1]), nn.BatchNorm1d(3), made[2])
    assert activation_modules(net) == made
    assert [type(module) for module in activation_modules(copy.deepcopy(net))] == [Own, nn.Identity, nn.Tanh]


def test_torch_activations_of_a_foreign_network_are_found_and_softmax_is_none():
    net = nn.Sequential(nn.Linear(3, 3), nn.GELU(), nn.Dropout(), nn.PReLU(), nn.Softmax(dim=1), nn.GLU())
    assert activation_modules(net) == [net[1], net[3]]


def test_an_in_place_activation_is_refused():
    with pytest.raises(ConfigError, match=r"activation\.inplace=true"):
        make_activation(lambda: nn.ReLU(inplace=True))
