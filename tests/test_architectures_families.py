"""Convolutional families and highway networks against their papers: sizes, depths, gates, drop rates."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torchvision import models
from torchvision.ops import StochasticDepth

from vgp_bench.architectures.alexnet import AlexNet
from vgp_bench.architectures.densenet import DenseNet
from vgp_bench.architectures.highway import HighwayLayer
from vgp_bench.architectures.highway_cnn import HighwayCNN
from vgp_bench.architectures.highway_mlp import HighwayMLP
from vgp_bench.architectures.lenet5 import LeNet5
from vgp_bench.architectures.mlp import MLP
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.plain_cnn import PlainCNN
from vgp_bench.architectures.resnet import ResNet
from vgp_bench.architectures.resnet_imagenet import ResNetImageNet
from vgp_bench.architectures.stages import Architecture, Stage
from vgp_bench.architectures.vgg import VGG
from vgp_bench.components.activations import activation_modules
from vgp_bench.components.initializers import NormalWeights, VarianceScaling
from vgp_bench.components.normalizers import BatchNormalizer, InstanceNormalizer, NoNormalizer
from vgp_bench.errors import ConfigError

MNIST, CIFAR, DIGITS = (1, 28, 28), (3, 32, 32), (1, 8, 8)
BATCH, NONE = Parts(nn.ReLU, BatchNormalizer()), Parts(nn.ReLU, NoNormalizer())


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


# --- sizes ---


def test_lenet5_has_the_weights_of_the_paper() -> None:
    # Section II.B, layer by layer: C1 156 and C5 48,120 as in the paper; C3 sees all 6 maps (16 * (6 * 25 + 1), the
    # paper's chosen few 1,516); F6 10,164; the classifier 10 * 85.
    by_stage = [parameters(stage.module) for stage in LeNet5(MNIST, 10, NONE).stages()]
    assert by_stage == [156, 2416, 48_120, 10_164, 850]
    assert sum(by_stage) == 61_706


# Simonyan & Zisserman 2014, table 2, in millions: with the paper's classifier on 7 x 7 positions of 512 channels.
@pytest.mark.parametrize(("depth", "expected"), [(11, 133), (13, 133), (16, 138), (19, 144)])
def test_the_convolutions_of_vgg_have_the_weights_of_the_paper(depth: int, expected: int) -> None:
    classifier = 4096 * (7 * 7 * 512 + 1) + 4096 * 4097 + 1000 * 4097
    with torch.device("meta"):
        model = VGG(CIFAR, 10, NONE, depth)
    convolutions = sum(parameters(stage.module) for stage in model.stages()[:-1])
    assert round((convolutions + classifier) / 1e6) == expected
    assert model.stages()[-1].depth == depth - 2  # one layer in place of the paper's three


def test_vgg16_for_cifar_has_14_7_million() -> None:
    with torch.device("meta"):
        assert round(parameters(VGG(CIFAR, 10, BATCH)) / 1e6, 1) == 14.7


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_imagenet_resnets_are_as_large_as_torchvisions(depth: int) -> None:
    with torch.device("meta"):
        theirs = parameters(getattr(models, f"resnet{depth}")(num_classes=10))
        cifar = ResNetImageNet(CIFAR, 10, BATCH, depth)
        imagenet = ResNetImageNet((3, 224, 224), 10, BATCH, depth, stem="imagenet")
    assert parameters(imagenet) == theirs
    assert parameters(cifar) == theirs - 3 * 64 * (7 * 7 - 3 * 3)
    assert cifar.stages()[-1].depth == depth


# Huang et al. 2017, table 2, in millions.
@pytest.mark.parametrize(
    ("depth", "growth", "bc", "expected"),
    [(40, 12, False, 1.0), (100, 12, False, 7.0), (100, 24, False, 27.2), (100, 12, True, 0.8), (250, 24, True, 15.3)],
)
def test_densenets_have_the_parameters_of_the_paper(depth: int, growth: int, bc: bool, expected: float) -> None:
    with torch.device("meta"):
        model = DenseNet(CIFAR, 10, BATCH, depth, growth, bottleneck=bc, compression=0.5 if bc else 1.0)
    assert round(parameters(model) / 1e6, 1) == expected
    assert model.stages()[-1].depth == depth


# He et al. 2015, table 6: untouched by what residual networks share now.
@pytest.mark.parametrize(("depth", "expected"), [(20, 0.27), (56, 0.85), (110, 1.7)])
def test_cifar_resnets_have_the_parameters_of_the_paper(depth: int, expected: float) -> None:
    with torch.device("meta"):
        model = ResNet(CIFAR, 10, BATCH, depth)
    assert round(parameters(model) / 1e6, 2 if expected < 1 else 1) == expected


def test_alexnet_has_the_papers_channels() -> None:
    # Section 3.5: 96, 256, 384, 384, 256; here all 3 x 3, of all channels, and 4 x 4 positions for 1024 units.
    channels = [3, 96, 256, 384, 384, 256]
    dense = [256 * 4 * 4, 1024, 1024, 10]
    expected = [9 * channels[i] * channels[i + 1] + channels[i + 1] for i in range(5)]
    expected += [dense[i] * dense[i + 1] + dense[i + 1] for i in range(3)]
    with torch.device("meta"):
        assert [parameters(stage.module) for stage in AlexNet(CIFAR, 10, NONE).stages()] == expected


def test_gates_double_the_weights_of_highway_layers() -> None:
    mlp = HighwayMLP(MNIST, 10, NONE, depth=50, width=50)
    assert parameters(mlp) == 785 * 50 + 49 * 2 * 50 * 51 + 51 * 10
    # depth 20, three groups of 6: 16 of the 18 keep their shape, and so do their gates
    gates = 9 * (6 * 16**2 + 5 * 32**2 + 5 * 64**2) + 6 * 16 + 5 * 32 + 5 * 64
    assert parameters(HighwayCNN(CIFAR, 10, NONE)) == parameters(PlainCNN(CIFAR, 10, NONE)) + gates


# --- the depth axis, at every image size ---

BUILD: dict[str, Callable[[tuple[int, int, int], Parts], Architecture]] = {
    "lenet5": lambda shape, parts: LeNet5(shape, 10, parts, pooling="max"),
    "alexnet": lambda shape, parts: AlexNet(shape, 10, parts, width=3, units=8),
    "vgg": lambda shape, parts: VGG(shape, 10, parts, 13, width=2, dropout=0.5),
    "resnet_imagenet basic": lambda shape, parts: ResNetImageNet(shape, 10, parts, 18, 2, drop_path=0.5),
    "resnet_imagenet bottleneck": lambda shape, parts: ResNetImageNet(
        shape, 10, parts, 50, 2, stem="imagenet", order="preactivation"
    ),
    "densenet": lambda shape, parts: DenseNet(shape, 10, parts, 10, 4, dropout=0.2),
    "densenet bc": lambda shape, parts: DenseNet(shape, 10, parts, 16, 4, bottleneck=True, compression=0.5),
    "highway_mlp": lambda shape, parts: HighwayMLP(shape, 10, parts, 5, 8),
    "highway_cnn": lambda shape, parts: HighwayCNN(shape, 10, parts, 14, 2),
}
everyone = pytest.mark.parametrize("name", BUILD)


def weight_layers(stage: Stage) -> int:
    """All but projection shortcuts and gates, which are beside the path."""
    layers = [
        layer
        for layer, module in stage.module.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d) and not layer.startswith(("shortcut", "gate"))
    ]
    return len(layers)


@everyone
@pytest.mark.parametrize("shape", [DIGITS, MNIST, CIFAR])
def test_stages_feed_each_other_and_every_parameter_learns(name: str, shape: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    model = BUILD[name](shape, BATCH)
    model.finish_initialization()
    fed: list[torch.Tensor] = []
    given: list[torch.Tensor] = []
    stages = model.stages()
    for stage in stages:
        stage.module.register_forward_pre_hook(lambda _, inputs: fed.append(inputs[0]))
        stage.module.register_forward_hook(lambda _, __, output: given.append(output))
    logits = model(torch.randn(4, *shape))
    assert logits.shape == (4, 10)
    assert len(fed) == len(given) == len(stages)
    assert all(after is before for after, before in zip(fed[1:], given[:-1], strict=True))
    assert given[-1] is logits
    logits.square().sum().backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert torch.isfinite(parameter.grad).all(), parameter_name


@everyone
def test_depth_counts_the_weight_layers_up_to_each_stage(name: str) -> None:
    model = BUILD[name](CIFAR, BATCH)
    stages, depth = model.stages(), 0
    for stage in stages:
        depth += weight_layers(stage)
        assert stage.depth == depth
    assert [stage.kind for stage in stages] == ["hidden"] * (len(stages) - 1) + ["output"]
    assert len({stage.name for stage in stages}) == len(stages)
    held = [id(parameter) for stage in stages for parameter in stage.module.parameters()]
    assert sorted(held) == sorted(id(parameter) for parameter in model.parameters())


@everyone
def test_activations_are_found_in_the_order_in_which_they_run_one_for_each_hidden_layer(name: str) -> None:
    model = BUILD[name](CIFAR, BATCH)
    ran: list[nn.Module] = []
    found = activation_modules(model)
    for module in found:
        module.register_forward_hook(lambda module, *_: ran.append(module))
    model(torch.randn(2, *CIFAR))
    assert ran == found
    assert len(found) == model.stages()[-1].depth - 1  # no gate is among them


def sizes(model: Architecture, shape: tuple[int, int, int]) -> list[int]:
    """Height of what each hidden convolutional stage gives out."""
    heights: list[int] = []
    for stage in model.stages()[:-1]:
        stage.module.register_forward_hook(
            lambda _, __, output: heights.append(output.shape[2]) if output.ndim == 4 else None
        )
    model(torch.randn(2, *shape))
    return heights


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (CIFAR, [32, 16, 16, 8, 8, 4, 4, 2, 2, 1]),
        (MNIST, [28, 14, 14, 7, 7, 4, 4, 2, 2, 1]),
        (DIGITS, [8, 4, 4, 2, 2, 2, 2, 2, 2, 1]),  # the pools of groups 3 and 4 are left out
    ],
)
def test_vgg_pools_after_each_group_but_never_below_two_positions(
    shape: tuple[int, int, int], expected: list[int]
) -> None:
    assert sizes(VGG(shape, 10, NONE, 13, width=2), shape) == expected


def test_image_sizes_in_the_other_networks() -> None:
    assert sizes(LeNet5(MNIST, 10, NONE), MNIST) == sizes(LeNet5(DIGITS, 10, NONE), DIGITS) == [14, 5]
    assert sizes(AlexNet(CIFAR, 10, NONE, 3, 8), CIFAR) == [16, 8, 8, 8, 4]
    resnet = ResNetImageNet(CIFAR, 10, BATCH, 18, 2)
    assert sizes(resnet, CIFAR) == [32, 32, 32, 16, 16, 8, 8, 4, 4]
    imagenet = ResNetImageNet((3, 224, 224), 10, BATCH, 18, 2, stem="imagenet")
    assert sizes(imagenet, (3, 224, 224)) == [56, 56, 56, 28, 28, 14, 14, 7, 7]  # table 1
    assert sizes(DenseNet(CIFAR, 10, BATCH, 7, 2), CIFAR) == [32, 32, 16, 16, 8, 8]


def test_lenet5_sees_small_images_in_the_middle_of_zeros() -> None:
    frame = LeNet5(DIGITS, 10, NONE).c1[0]
    framed = frame(torch.ones(1, *DIGITS))
    assert framed.shape == (1, 1, 32, 32)
    assert framed[..., 12:20, 12:20].sum() == framed.sum() == 64


# --- DenseNet ---


def test_a_dense_layer_keeps_what_it_got_and_adds_growth_channels() -> None:
    model = DenseNet(CIFAR, 10, BATCH, 10, 4)
    x = torch.randn(2, 16, 8, 8)
    joined = model.units[0](x)
    assert joined.shape == (2, 20, 8, 8)
    assert torch.equal(joined[:, :16], x)
    assert [type(module) for module in model.units[0].branch] == [nn.BatchNorm2d, nn.ReLU, nn.Conv2d]


def test_a_transition_keeps_the_share_of_the_channels() -> None:
    model = DenseNet(CIFAR, 10, BATCH, 16, 5, bottleneck=True, compression=0.5)
    # 2 growth channels of the stem and 2 layers of 5 are 20; half of them remain.
    transition = {stage.name: stage.module for stage in model.stages()}["transition_1"]
    assert transition(torch.randn(2, 20, 8, 8)).shape == (2, 10, 4, 4)


# --- highway ---


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


# --- stochastic depth and dropout ---


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


# --- what is refused ---


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: LeNet5((3, 64, 48), 10, NONE), r"images of 64 x 48 pixels, .*set dataset\.image_size=32, or archi"),
        (lambda: LeNet5(MNIST, 10, NONE, width=8), r"architecture\.width=8: must be a multiple of 3 .*: use 6 or 9"),
        (lambda: LeNet5(MNIST, 10, NONE, pooling="mean"), r"architecture\.pooling=mean: use average or max"),  # type: ignore[arg-type]
        (lambda: AlexNet(CIFAR, 10, NONE, width=64), r"architecture\.width=64: .* 3 : 8 : 12 : 12 : 8\): use 63 or 66"),
        (lambda: AlexNet(CIFAR, 10, NONE, width=1), r"architecture\.width=1: must be a multiple of 3 .*: use 3$"),
        (lambda: AlexNet(CIFAR, 10, NONE, units=0), r"architecture\.units=0: must be 1 or more"),
        (lambda: AlexNet(CIFAR, 10, NONE, dropout=1.0), r"architecture\.dropout=1\.0: must be 0 or more and below 1"),
        (lambda: VGG(CIFAR, 10, NONE, 17), r"architecture\.depth=17: use 11, 13, 16 or 19"),
        (lambda: VGG(CIFAR, 10, NONE, width=0), r"architecture\.width=0: must be 1 or more"),
        (lambda: VGG(CIFAR, 10, NONE, dropout=-0.1), r"architecture\.dropout=-0\.1: must be 0 or more and below 1"),
        (lambda: ResNetImageNet(CIFAR, 10, NONE, 20), r"architecture\.depth=20: use 18, 34, 50, 101 or 152"),
        (lambda: ResNetImageNet(CIFAR, 10, NONE, stem="big"), r"architecture\.stem=big: use cifar or imagenet"),  # type: ignore[arg-type]
        (
            lambda: ResNet(CIFAR, 10, NONE, drop_path=1.5),
            r"architecture\.drop_path=1\.5: must be 0 or more and below 1",
        ),
        (lambda: DenseNet(CIFAR, 10, NONE, 41), r"architecture\.depth=41: must be 3n\+4 .*: use 40 or 43"),
        (
            lambda: DenseNet(CIFAR, 10, NONE, 97, bottleneck=True),
            r"architecture\.depth=97: must be 6n\+4 .*: use 94 or 100",
        ),
        (lambda: DenseNet(CIFAR, 10, NONE, 4), "use 7 or 10"),
        (lambda: DenseNet(CIFAR, 10, NONE, growth=0), r"architecture\.growth=0: must be 1 or more"),
        (
            lambda: DenseNet(CIFAR, 10, NONE, compression=0.0),
            r"architecture\.compression=0\.0: must be above 0 and at most 1",
        ),
        (lambda: HighwayMLP(DIGITS, 10, NONE, depth=0), r"architecture\.depth=0: must be 1 or more"),
        (lambda: HighwayCNN(CIFAR, 10, NONE, 21), r"architecture\.depth=21: must be 6n\+2 .* 20 or 26"),
    ],
)
def test_impossible_keys_are_refused_in_one_line(build: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        build()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("shape", "stem", "message"),
    [
        (DIGITS, "cifar", r"images of 8 x 8 pixels are 1 x 1 .*: use normalizer=layer, or larger images"),
        (CIFAR, "imagenet", r"images of 32 x 32 pixels are 1 x 1 .*: use architecture\.stem=cifar, normalizer=layer"),
    ],
)
def test_an_instance_normalizer_needs_more_than_one_position(
    shape: tuple[int, int, int], stem: str, message: str
) -> None:
    parts = Parts(nn.ReLU, InstanceNormalizer())
    with pytest.raises(ConfigError, match=f"normalizer=instance: {message}"):
        ResNetImageNet(shape, 10, parts, 18, 2, stem=stem)  # type: ignore[arg-type]
    _, height, width = shape
    larger = (1, height + 1, width)  # of one pixel more, two positions are left
    assert ResNetImageNet(larger, 10, parts, 18, 2, stem=stem)(torch.randn(2, *larger)).shape == (2, 10)  # type: ignore[arg-type]
