"""Every architecture with every normalizer and activation found on disk: it learns, or it says why it cannot."""

import itertools
from functools import cache, partial
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.recurrent import Recurrent
from vgp_bench.architectures.residual_mlp import ResidualMLP
from vgp_bench.architectures.resnet import ResNet
from vgp_bench.architectures.transformer import Transformer
from vgp_bench.components.initializers import VarianceScaling
from vgp_bench.components.normalizers import BatchNormalizer, LayerNormalizer, NoNormalizer
from vgp_bench.config_check import parameters
from vgp_bench.data.sequences import SequenceShape
from vgp_bench.errors import ConfigError
from vgp_bench.making import make
from vgp_bench.monitor.gauge import StageGauge, all_weights
from vgp_bench.monitor.observation import Observation
from vgp_bench.monitor.update import WeightUpdate

CONFIGS = Path(__file__).parent.parent / "configs"
SHAPE, CLASSES = (3, 8, 8), 10
SMALL = {  # by the class that a file names
    "MLP": {"depth": 3, "width": 16},
    "ResidualMLP": {"depth": 4, "width": 16},
    "PlainCNN": {"depth": 8, "width": 8},
    "ResNet": {"depth": 8, "width": 8},
    "LeNet5": {"width": 24},
    "AlexNet": {"width": 24, "units": 16},
    "VGG": {"depth": 11, "width": 8},
    "ResNetImageNet": {"depth": 18, "width": 8},
    "DenseNet": {"depth": 16, "growth": 8},
    "HighwayMLP": {"depth": 4, "width": 16},
    "HighwayCNN": {"depth": 8, "width": 8},
    "ViT": {"blocks": 2, "width": 16, "heads": 2},
    "Transformer": {"blocks": 2, "width": 16, "heads": 2},
    "RNN": {"hidden": 8, "layers": 2},
    "IRNN": {"hidden": 8, "layers": 2},
    "LSTM": {"hidden": 8, "layers": 2},
    "GRU": {"hidden": 8, "layers": 2},
}
ATTENTION = ("ViT", "Transformer")
RECURRENT = ("RNN", "IRNN", "LSTM", "GRU")
LENGTH, FEATURES = 8, 24
DENSE = ("MLP", "ResidualMLP", "HighwayMLP")
DENSE_IN_PART = ("LeNet5", "AlexNet")


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
    if reads_sequences(architecture):
        objects = {"sequence": SequenceShape(LENGTH, FEATURES, CLASSES), "parts": parts}
    return load("architecture", architecture, objects, **{**SMALL.get(class_of(architecture), {}), **keys})


def reads_sequences(architecture):
    return "sequence" in parameters(option("architecture", architecture))


def inputs_for(model, n):
    """n random inputs of the kind that the model reads."""
    sequences = isinstance(model, Transformer | Recurrent)
    return torch.randn(n, LENGTH, FEATURES) if sequences else torch.randn(n, *SHAPE)


def class_of(architecture):
    return option("architecture", architecture)["_target_"].rpartition(".")[2]


def refusal(architecture, normalizer, residual="plain", order="original", placement="before", ws=False):
    """The message expected for a combination that makes no sense, or None."""
    if architecture in ATTENTION and normalizer in ("batch", "group", "instance"):
        return "a Transformer normalizes"
    if architecture in RECURRENT and normalizer in ("batch", "group", "instance"):
        return f"normalizer={normalizer}"
    if residual in ("skipinit", "fixup") and normalizer != "none":
        return f"architecture.residual={residual} takes the place of normalization"
    ends_in_normalizer = normalizer != "none" and (order, placement) == ("original", "before")
    if ws and (residual == "fixup" or (residual == "zero_init" and not ends_in_normalizer)):
        return "normalizer.weight_standardization=true"
    if normalizer == "instance" and architecture in (*DENSE, *DENSE_IN_PART, "ResNetImageNet"):
        return "normalizer=instance"
    return None


def learns(model):
    """Forward and backward are finite, every parameter gets a gradient (of 0 in a branch that starts at 0), and every
    stage is measured, in depth order."""
    model.finish_initialization()
    gauges = [StageGauge(stage) for stage in model.stages()]
    observation = Observation(gauges, WeightUpdate(all_weights(gauges)), 0, [float("nan")] * len(gauges))
    logits = model(inputs_for(model, 4))
    assert logits.shape == (4, CLASSES)
    assert torch.isfinite(logits).all()
    nn.functional.cross_entropy(logits, torch.arange(4)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    observation.after_backward({})
    rows = observation.rows()
    assert [row.depth for row in rows] == sorted(row.depth for row in rows)
    assert [row.kind for row in rows] == ["hidden"] * (len(rows) - 1) + ["output"]
    for row in rows:
        assert row.activation_gradient_l2 >= 0, f"{row.name}: not measured"
        assert row.activation_std >= 0, f"{row.name}: not measured"
        assert row.nonfinite_activation_gradients == row.nonfinite_weight_gradients == 0, row.name
    assert rows[-1].weight_gradient_l2 > 0
    assert rows[-1].activation_gradient_l2 > 0


def test_all_architectures_on_disk_are_in_the_matrix():
    assert {class_of(architecture) for architecture in names("architecture")} == set(SMALL)


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
    # Identity leaves surplus channels at 0; batch normalization multiplies their gradient by 1 / sqrt(eps) in each
    # layer, and by 316, with the usual eps, it overflows in 18 layers.
    overflows = (class_of(architecture), initializer) == ("ResNetImageNet", "identity")
    normalizer = BatchNormalizer(eps=1.0 if overflows else 1e-5)
    if class_of(architecture) in (*ATTENTION, *RECURRENT):
        normalizer = LayerNormalizer()
    model = small(architecture, Parts(nn.Tanh, normalizer))
    images = inputs_for(model, 16)
    message = None
    if initializer == "delta_orthogonal" and class_of(architecture) in (*DENSE, *ATTENTION, *RECURRENT):
        message = "use initializer=orthogonal"
    if initializer == "lsuv" and class_of(architecture) in RECURRENT:
        message = "initializer=lsuv"
    if initializer == "rbm":
        message = "initializer=rbm"
    if message:
        with pytest.raises(ConfigError, match=message):
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
