"""Every architecture with every normalizer and activation found on disk: it learns, or it says why it cannot."""

import itertools
from functools import cache, partial
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.residual_mlp import ResidualMLP
from vgp_bench.architectures.resnet import ResNet
from vgp_bench.building import make
from vgp_bench.components.initializers import VarianceScaling
from vgp_bench.components.normalizers import BatchNormalizer, NoNormalizer
from vgp_bench.errors import ConfigError

CONFIGS = Path(__file__).parent.parent / "configs"
SHAPE, CLASSES = (3, 8, 8), 10
SMALL = {  # by the class that a file names
    "MLP": {"depth": 3, "width": 16},
    "ResidualMLP": {"depth": 4, "width": 16},
    "PlainCNN": {"depth": 8, "width": 8},
    "ResNet": {"depth": 8, "width": 8},
}


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Tensors this small gain nothing from threads, and waiting threads slow a busy machine tenfold."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def names(group):
    return sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))


@cache
def option(group, name):
    return yaml.safe_load((CONFIGS / group / f"{name}.yaml").read_text())


def load(group, name, objects=None, **keys):
    """What the file names, with keys in place of its own, built as a run builds it."""
    return make({**option(group, name), **keys}, **(objects or {}))


def small(architecture, parts, **keys):
    objects = {"image_shape": SHAPE, "classes": CLASSES, "parts": parts}
    return load("architecture", architecture, objects, **{**SMALL.get(class_of(architecture), {}), **keys})


def class_of(architecture):
    return option("architecture", architecture)["_target_"].rpartition(".")[2]


def refusal(architecture, normalizer, residual="plain", order="original", placement="before", ws=False):
    """The message expected for a combination that makes no sense, or None."""
    if residual in ("skipinit", "fixup") and normalizer != "none":
        return f"architecture.residual={residual} takes the place of normalization"
    ends_in_normalizer = normalizer != "none" and (order, placement) == ("original", "before")
    if ws and (residual == "fixup" or (residual == "zero_init" and not ends_in_normalizer)):
        return "normalizer.weight_standardization=true"
    if normalizer == "instance" and architecture in ("MLP", "ResidualMLP"):
        return "normalizer=instance"
    return None


def learns(model):
    """Forward and backward are finite, and every parameter gets a gradient (of 0 in a branch that starts at 0)."""
    model.finish_initialization()
    logits = model(torch.randn(4, *SHAPE))
    assert logits.shape == (4, CLASSES)
    assert torch.isfinite(logits).all()
    nn.functional.cross_entropy(logits, torch.arange(4)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_all_architectures_on_disk_are_in_the_matrix():
    assert {class_of(architecture) for architecture in names("architecture")} >= set(SMALL)


@pytest.mark.parametrize("normalizer", names("normalizer"))
@pytest.mark.parametrize("architecture", names("architecture"))
def test_every_cell_learns_or_is_refused(architecture, normalizer):
    for activation in names("activation"):
        parts = Parts(partial(load, "activation", activation), load("normalizer", normalizer))
        message = refusal(class_of(architecture), normalizer)
        if message:
            with pytest.raises(ConfigError, match=message):
                small(architecture, parts)
        else:
            learns(small(architecture, parts))


@pytest.mark.parametrize("normalizer", names("normalizer"))
@pytest.mark.parametrize("residual", ["plain", "zero_init", "rezero", "skipinit", "fixup", "depth_scaled"])
@pytest.mark.parametrize("architecture", [ResNet, ResidualMLP])
def test_every_residual_form_learns_or_is_refused(architecture, residual, normalizer):
    forms = itertools.product(["original", "preactivation"], ["before", "after"], [False, True])
    for order, placement, ws in forms:
        parts = Parts(nn.ReLU, load("normalizer", normalizer, placement=placement, weight_standardization=ws))
        keys = {"parts": parts, "order": order, "residual": residual, **SMALL[architecture.__name__]}
        message = refusal(architecture.__name__, normalizer, residual, order, placement, ws)
        if message:
            with pytest.raises(ConfigError, match=message):
                architecture(SHAPE, CLASSES, **keys)
        else:
            learns(architecture(SHAPE, CLASSES, **keys))


@pytest.mark.parametrize("order", ["original", "preactivation"])
@pytest.mark.parametrize("shortcut", ["A", "B"])
@pytest.mark.parametrize("residual", ["plain", "zero_init", "fixup"])
@pytest.mark.parametrize("depth", [11, 20])
def test_bottlenecks_learn(order, shortcut, residual, depth):
    parts = Parts(nn.ReLU, NoNormalizer() if residual == "fixup" else BatchNormalizer())
    learns(ResNet(SHAPE, CLASSES, parts, depth, 4, "bottleneck", order, shortcut, residual))


@pytest.mark.parametrize("initializer", names("initializer"))
@pytest.mark.parametrize("architecture", names("architecture"))
def test_every_initializer_with_every_architecture(architecture, initializer):
    model, images = small(architecture, Parts(nn.Tanh, BatchNormalizer())), torch.randn(16, *SHAPE)
    if initializer == "delta_orthogonal" and class_of(architecture) in ("MLP", "ResidualMLP"):
        with pytest.raises(ConfigError, match="use initializer=orthogonal"):
            load("initializer", initializer).initialize(model, nn.Tanh, images)
        return
    before = {name: weight.clone() for name, weight in model.named_parameters() if weight.ndim > 1}
    load("initializer", initializer).initialize(model, nn.Tanh, images)
    assert all(not torch.equal(model.get_parameter(name), weight) for name, weight in before.items())
    learns(model)


@pytest.mark.parametrize(
    ("architecture", "keys"),
    [
        ("mlp", {"depth": 1000}),
        ("residual_mlp", {"depth": 1000}),
        ("plain_cnn", {"depth": 1004, "width": 2}),
        ("resnet", {"depth": 1001, "width": 2, "block": "bottleneck"}),
    ],
)
def test_a_thousand_layers_run(architecture, keys):
    model = small(architecture, Parts(nn.ReLU, BatchNormalizer()), **{"width": 4, **keys})
    VarianceScaling(gain=2**0.5).initialize(model, nn.ReLU, torch.randn(4, *SHAPE))
    assert model.stages()[-1].depth >= 1001
    logits = model(torch.randn(4, *SHAPE))
    nn.functional.cross_entropy(logits, torch.arange(4)).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
