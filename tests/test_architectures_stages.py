"""The depth axis: stages in order, each fed by the one before, depth = number of weight layers."""

import pytest
import torch
from torch import nn

from vgp_bench.architectures.mlp import MLP
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.plain_cnn import PlainCNN
from vgp_bench.architectures.residual_mlp import ResidualMLP
from vgp_bench.architectures.resnet import ResNet
from vgp_bench.components.activations import activation_modules
from vgp_bench.components.normalizers import BatchNormalizer, LayerNormalizer, NoNormalizer
from vgp_bench.errors import ConfigError

SHAPE, CLASSES = (3, 8, 8), 10
BUILD = {
    "mlp": lambda parts: MLP(SHAPE, CLASSES, parts, depth=4, width=16),
    "residual_mlp": lambda parts: ResidualMLP(SHAPE, CLASSES, parts, depth=4, width=16),
    "residual_mlp original": lambda parts: ResidualMLP(SHAPE, CLASSES, parts, 4, 16, order="original"),
    "plain_cnn": lambda parts: PlainCNN(SHAPE, CLASSES, parts, depth=14, width=4),
    "resnet": lambda parts: ResNet(SHAPE, CLASSES, parts, depth=14, width=4),
    "resnet B": lambda parts: ResNet(SHAPE, CLASSES, parts, depth=14, width=4, shortcut="B"),
    "resnet preactivation": lambda parts: ResNet(
        SHAPE, CLASSES, parts, depth=14, width=4, order="preactivation", shortcut="B"
    ),
    "resnet bottleneck": lambda parts: ResNet(SHAPE, CLASSES, parts, 20, 4, "bottleneck", shortcut="B"),
}


def model_of(name, normalizer=None):
    return BUILD[name](Parts(nn.ReLU, normalizer or BatchNormalizer()))


def weight_layers(stage):
    """Weight layers that are on the path: all but projection shortcuts."""
    layers = [
        layer_name
        for layer_name, module in stage.module.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d) and not layer_name.startswith("shortcut")
    ]
    return len(layers)


@pytest.mark.parametrize("name", BUILD)
def test_each_stage_feeds_the_next_and_the_last_gives_the_logits(name):
    model, fed, given = model_of(name), [], []
    stages = model.stages()
    for stage in stages:
        stage.module.register_forward_pre_hook(lambda _, inputs: fed.append(inputs[0]))
        stage.module.register_forward_hook(lambda _, __, output: given.append(output))
    logits = model(torch.randn(2, *SHAPE))
    assert len(fed) == len(given) == len(stages)
    assert all(after is before for after, before in zip(fed[1:], given[:-1], strict=True))
    assert given[-1] is logits
    assert [stage.kind for stage in stages] == ["hidden"] * (len(stages) - 1) + ["output"]
    assert stages[-1].name == "output"
    assert len({stage.name for stage in stages}) == len(stages)


@pytest.mark.parametrize("name", BUILD)
def test_depth_is_the_number_of_weight_layers_so_far(name):
    depth = 0
    for stage in model_of(name).stages():
        depth += weight_layers(stage)
        assert stage.depth == depth
        assert stage.weights()


@pytest.mark.parametrize("name", BUILD)
def test_stages_hold_all_parameters_once_and_so_does_the_state(name):
    model = model_of(name)
    held = [id(parameter) for stage in model.stages() for parameter in stage.module.parameters()]
    assert sorted(held) == sorted(id(parameter) for parameter in model.parameters())
    assert len(model.state_dict()) == len(list(model.parameters())) + len(list(model.buffers()))


@pytest.mark.parametrize("name", BUILD)
def test_activations_are_found_in_the_order_in_which_they_run(name):
    model, ran = model_of(name), []
    found = activation_modules(model)
    for module in found:
        module.register_forward_hook(lambda module, *_: ran.append(module))
    model(torch.randn(2, *SHAPE))
    assert ran == found
    weights = sum(weight_layers(stage) for stage in model.stages())
    assert len(found) == weights - 1  # one after every weight layer but the classifier


@pytest.mark.parametrize("name", BUILD)
def test_stage_outputs_are_not_overwritten_later(name):
    model, kept = model_of(name), []
    for stage in model.stages():
        stage.module.register_forward_hook(lambda _, __, output: kept.append((output, output.detach().clone())))
    model(torch.randn(2, *SHAPE))
    assert all(torch.equal(output, copy) for output, copy in kept)


@pytest.mark.parametrize("placement", ["before", "after"])
@pytest.mark.parametrize("name", ["mlp", "residual_mlp", "plain_cnn", "resnet preactivation"])
def test_the_normalizer_is_before_or_after_the_activation(name, placement):
    model = model_of(name, BatchNormalizer(placement=placement))
    tensors = {"activation": [], "normalizer": []}
    for module in model.modules():
        kind = "normalizer" if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) else "activation"
        if kind == "normalizer" or isinstance(module, nn.ReLU):
            module.register_forward_hook(lambda _, i, o, kind=kind: tensors[kind].append((i[0], o)))
    model(torch.randn(4, *SHAPE))
    first, second = ("normalizer", "activation") if placement == "before" else ("activation", "normalizer")
    assert len(tensors[first]) == len(tensors[second]) > 0
    for (_, output), (fed, _) in zip(tensors[first], tensors[second], strict=True):
        assert fed is output


def test_original_blocks_normalize_before_the_addition_or_after_the_last_activation():
    before = model_of("resnet").blocks[0]
    assert isinstance(before.branch[-1], nn.BatchNorm2d)
    assert [type(module) for module in before.nonlinearity] == [nn.ReLU]
    after = model_of("resnet", BatchNormalizer(placement="after")).blocks[0]
    assert isinstance(after.branch[-1], nn.Conv2d)
    assert [type(module) for module in after.nonlinearity] == [nn.ReLU, nn.BatchNorm2d]


@pytest.mark.parametrize(
    ("normalizer", "bias"),
    [
        (NoNormalizer(), True),
        (BatchNormalizer(), False),
        (LayerNormalizer(), False),
        (BatchNormalizer(placement="after"), True),
    ],
)
def test_a_bias_is_left_out_where_the_shift_of_the_normalizer_follows(normalizer, bias):
    for name in ("mlp", "plain_cnn", "resnet", "resnet preactivation"):
        *hidden, output = (m for m in model_of(name, normalizer).modules() if isinstance(m, nn.Linear | nn.Conv2d))
        assert all((layer.bias is not None) == bias for layer in hidden)
        assert output.bias is not None


def test_sizes_below_one_name_their_key():
    for build, key in ((MLP, "depth"), (MLP, "width"), (ResidualMLP, "width"), (PlainCNN, "width"), (ResNet, "width")):
        with pytest.raises(ConfigError, match=rf"architecture\.{key}=0: must be 1 or more"):
            build(SHAPE, CLASSES, Parts(nn.ReLU, NoNormalizer()), **{key: 0})
