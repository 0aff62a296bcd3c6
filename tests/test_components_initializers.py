import math
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import nn

from vgp_bench.components.initializers import MeanField, VarianceScaling
from vgp_bench.components.initializers_isometric import DeltaOrthogonal, IdentityWeights, Orthogonal
from vgp_bench.components.initializers_lsuv import LSUV
from vgp_bench.components.weight_standardization import StandardizedLinear
from vgp_bench.errors import ConfigError

YAMLS = sorted((Path(__file__).parent.parent / "configs/initializer").glob("*.yaml"))
BY_NAME = {path.stem: path for path in YAMLS}
IMAGES = torch.zeros(4, 3, 8, 8)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def load(name, **keys):
    return instantiate(OmegaConf.load(BY_NAME[name]), **keys)


def network():
    """fan_in 300 and 900 (dense), 180 and fan_out 270 (convolution)."""
    return nn.Sequential(nn.Linear(300, 900), nn.BatchNorm1d(900), nn.Conv2d(20, 30, 3), nn.Linear(900, 300))


def initialized(initializer, activation=nn.ReLU, model=None):
    model = model or network()
    initializer.initialize(model, activation, IMAGES)
    return model


def test_every_listed_initializer_has_its_file():
    assert set(BY_NAME) >= {
        *("pytorch_default", "uniform_001", "normal_01", "lecun_normal", "lecun_uniform", "xavier_normal"),
        *("xavier_uniform", "he_normal", "he_uniform", "orthogonal", "delta_orthogonal", "identity", "lsuv"),
        "mean_field",
    }


VARIANCES = {  # name -> variance from (fan_in, fan_out), as the papers have it
    "lecun_normal": lambda fan_in, fan_out: 1 / fan_in,
    "lecun_uniform": lambda fan_in, fan_out: 1 / fan_in,
    "xavier_normal": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "xavier_uniform": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he_normal": lambda fan_in, fan_out: 2 / fan_in,
    "he_uniform": lambda fan_in, fan_out: 2 / fan_in,
    "pytorch_default": lambda fan_in, fan_out: 1 / (3 * fan_in),
    "normal_01": lambda fan_in, fan_out: 1.0,
    "uniform_001": lambda fan_in, fan_out: 0.01**2 / 3,
    "mean_field": lambda fan_in, fan_out: 1 / fan_in,
}


@pytest.mark.parametrize("name", VARIANCES)
def test_variance_and_shape_of_the_distribution(name):
    model = initialized(load(name))
    for index, fans in {0: (300, 900), 2: (180, 270), 3: (900, 300)}.items():
        weight = model[index].weight.detach()
        # A sample variance of N values is off by sqrt((kurtosis - 1) / N): at most sqrt(2 / 5400) = 2 % here.
        assert weight.var().item() == pytest.approx(VARIANCES[name](*fans), rel=0.08)
        kurtosis = (weight**4).mean() / weight.var() ** 2
        uniform = name in ("lecun_uniform", "xavier_uniform", "he_uniform", "pytorch_default", "uniform_001")
        assert kurtosis.item() == pytest.approx(1.8 if uniform else 3.0, abs=0.3)


@pytest.mark.parametrize("name", [name for name in BY_NAME if name not in ("pytorch_default", "lsuv", "rbm")])
def test_biases_are_zero_by_default_and_the_normalizer_is_untouched(name):
    model = initialized(load(name))
    assert all(not layer.bias.any() for layer in (model[0], model[2], model[3]))
    assert torch.equal(model[1].weight, torch.ones(900))
    assert not model[1].bias.any()


def test_pytorch_default_is_what_torch_does():
    torch.manual_seed(1)
    expected = [nn.Linear(30, 20), nn.Conv2d(3, 5, 3)]
    found = nn.Sequential(nn.Linear(30, 20), nn.Conv2d(3, 5, 3))
    torch.manual_seed(1)
    load("pytorch_default").initialize(found, nn.ReLU, IMAGES)
    for one, other in zip(expected, found, strict=True):
        assert torch.equal(one.weight, other.weight)
        assert torch.equal(one.bias, other.bias)


@pytest.mark.parametrize("name", ["he_normal", "orthogonal", "identity", "uniform_001"])
def test_bias_mean_and_std(name):
    bias = initialized(load(name, bias_mean=-2.0, bias_std=0.5))[0].bias
    assert bias.mean().item() == pytest.approx(-2.0, abs=4 * 0.5 / math.sqrt(900))
    assert bias.std().item() == pytest.approx(0.5, rel=0.1)


def test_the_gain_of_the_activation_and_fan_out():
    model = initialized(VarianceScaling(gain="activation", fan="out"), lambda: nn.LeakyReLU(0.5))
    assert model[0].weight.var().item() == pytest.approx(2 / 1.25 / 900, rel=0.02)


def test_mean_field_variances():
    model = initialized(MeanField(sigma_w2=1.6, sigma_b2=0.09))
    assert model[0].weight.var().item() * 300 == pytest.approx(1.6, rel=0.02)
    assert model[0].bias.std().item() == pytest.approx(0.3, rel=0.1)


def test_orthogonal_rows_or_columns():
    model = initialized(Orthogonal(gain=1.5))
    tall, wide = model[0].weight, model[3].weight
    assert torch.allclose(tall.T @ tall, 2.25 * torch.eye(300), atol=1e-4)
    assert torch.allclose(wide @ wide.T, 2.25 * torch.eye(300), atol=1e-4)
    filters = model[2].weight.flatten(1)
    assert torch.allclose(filters @ filters.T, 2.25 * torch.eye(30), atol=1e-4)


def test_delta_orthogonal_is_an_orthogonal_centre_tap_and_keeps_the_norm_of_images():
    conv = nn.Conv2d(8, 12, 3, padding=1, bias=False)
    initialized(DeltaOrthogonal(), model=nn.Sequential(conv, nn.Linear(12, 10)))
    centre = conv.weight[:, :, 1, 1]
    assert torch.allclose(centre.T @ centre, torch.eye(8), atol=1e-5)
    assert conv.weight.count_nonzero() == centre.count_nonzero()
    images = torch.randn(5, 8, 7, 7)
    assert torch.allclose(conv(images).flatten(1).norm(dim=1), images.flatten(1).norm(dim=1), rtol=1e-5)


def test_delta_orthogonal_needs_convolutions():
    with pytest.raises(ConfigError, match=r"delta_orthogonal.*use initializer=orthogonal"):
        initialized(DeltaOrthogonal(), model=nn.Linear(3, 3))


def test_identity_layers_pass_their_input_on():
    linear, conv = nn.Linear(6, 9), nn.Conv2d(6, 4, 3, padding=1)
    initialized(IdentityWeights(gain=2.0), model=nn.Sequential(linear, conv))
    x, images = torch.randn(5, 6), torch.randn(5, 6, 7, 7)
    assert torch.equal(linear(x), torch.cat([2 * x, torch.zeros(5, 3)], dim=1))
    assert torch.allclose(conv(images), 2 * images[:, :4])


def deep_net():
    layers = [nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Tanh(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(8 * 4 * 4, 50), nn.Dropout(0.3), nn.ReLU(), nn.Linear(50, 10))


def outputs_of_layers(model, images):
    outputs = []
    hooks = [
        module.register_forward_hook(lambda module, _, output: outputs.append((module, output)))
        for module in model
        if isinstance(module, nn.Linear | nn.Conv2d)
    ]
    model(images)
    for hook in hooks:
        hook.remove()
    return outputs


@pytest.mark.parametrize("bias_std", [0.0, 0.7])
def test_lsuv_gives_each_layer_unit_variance_and_leaves_the_rest_alone(bias_std):
    model, images = deep_net().eval(), torch.randn(64, 3, 8, 8) * 4 + 1
    model[7].p = 0.0  # the twin pass below has other random numbers
    LSUV(bias_std=bias_std).initialize(model, nn.ReLU, images)
    assert not any(module.training for module in model.modules())
    assert not model[1].running_mean.any()
    assert model[1].num_batches_tracked == 0
    with torch.no_grad():
        for layer, output in outputs_of_layers(model.train(), images):
            bias = layer.bias if isinstance(layer, nn.Linear) else layer.bias[:, None, None]
            assert (output - bias).var(correction=0).item() == pytest.approx(1, abs=1e-4)
            assert layer.bias.any() == (bias_std > 0)


def test_the_random_numbers_of_lsuv_are_those_of_orthogonal():
    states = []
    for initializer in (LSUV(), Orthogonal()):
        torch.manual_seed(3)
        model = deep_net()
        initializer.initialize(model, nn.ReLU, torch.randn(16, 3, 8, 8, generator=torch.Generator().manual_seed(0)))
        states.append(torch.get_rng_state())
    assert torch.equal(*states)


def test_lsuv_refuses_standardized_weights_and_dead_layers():
    images = torch.randn(16, 6)
    with pytest.raises(ConfigError, match=r"initializer=lsuv.*weight_standardization"):
        LSUV().initialize(nn.Sequential(StandardizedLinear(6, 6)), nn.ReLU, images)
    with pytest.raises(ConfigError, match="initializer=lsuv: the output of 2 has standard deviation 0"):
        LSUV(bias_mean=-99.0).initialize(nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6)), nn.ReLU, images)


@pytest.mark.parametrize(
    ("name", "keys", "message"),
    [
        ("he_normal", {"fan": "inn"}, r"initializer\.fan=inn: use in, out or average"),
        ("he_normal", {"gain": "auto"}, r"initializer\.gain=auto"),
        ("he_normal", {"distribution": "cauchy"}, r"initializer\.distribution=cauchy"),
        ("he_normal", {"bias_std": -1.0}, r"initializer\.bias_std=-1"),
        ("mean_field", {"sigma_w2": -1.0}, r"initializer\.sigma_w2=-1"),
        ("uniform_001", {"low": 1.0}, r"initializer\.low=1"),
        ("normal_01", {"std": -1.0}, r"initializer\.std=-1"),
    ],
)
def test_impossible_values_name_their_key(name, keys, message):
    with pytest.raises(Exception, match=message) as caught:
        load(name, **keys)
    assert isinstance(caught.value.__cause__ or caught.value, ConfigError)
