"""The depth axis of networks that vgp_bench did not build: stages in the order of the pass, with true depths."""

import copy
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

from tests.foreign_networks import (
    CLASSES,
    Functional,
    Reader,
    Residual,
    SharedActivation,
    SmallCNN,
    Tagger,
    images,
    series,
    tokens,
    trained,
    vectors,
)
from vgp_bench.live.monitor import Monitor


def first_step(monitor: Monitor, table: str = "probes") -> pd.DataFrame:
    frame = monitor.tables[table]
    return frame[frame.step == 0].reset_index(drop=True)


def axis(monitor: Monitor) -> list[tuple[str, int, str]]:
    rows = first_step(monitor)
    assert rows.stage.tolist() == list(range(len(rows)))
    return list(zip(rows.name, rows.depth, rows.kind, strict=True))


def test_a_plain_net_has_a_stage_a_layer() -> None:
    net = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Dropout(0.1), nn.Linear(4, CLASSES))
    assert axis(trained(net, vectors())) == [("Linear 0", 1, "hidden"), ("Linear 4", 2, "output")]


def test_the_order_is_that_of_the_pass_not_of_the_registration() -> None:
    class Backwards(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last, self.middle, self.first = nn.Linear(4, CLASSES), nn.Linear(4, 4), nn.Linear(6, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(self.middle(self.first(x)))

    assert axis(trained(Backwards(), vectors())) == [
        ("first", 1, "hidden"),
        ("middle", 2, "hidden"),
        ("last", 3, "output"),
    ]


TORCHVISION: dict[str, tuple[Callable[[], nn.Module], int, int]] = {
    # stages; depth: the number in the name counts convolutions and classifier, shortcuts left out (He et al. 2015);
    # a ViT layer is projection, output, and two of its perceptron (Dosovitskiy et al. 2021): 1 + 12 x 4 + 1
    "resnet18": (lambda: torchvision.models.resnet18(num_classes=CLASSES), 1 + 8 + 1, 18),
    "densenet121": (lambda: torchvision.models.densenet121(num_classes=CLASSES), 121, 121),
    "vgg16_bn": (lambda: _without_its_large_classifier(torchvision.models.vgg16_bn(num_classes=CLASSES)), 16, 16),
    "vit_b_16": (
        lambda: torchvision.models.VisionTransformer(32, 16, 12, 4, 32, 64, num_classes=CLASSES),
        1 + 12 + 1,
        1 + 12 * 4 + 1,
    ),
}


def _without_its_large_classifier(vgg: nn.Module) -> nn.Module:
    """The same three layers for images of 32 x 32: of its 134 million parameters 120 are there."""
    vgg.avgpool = nn.Identity()
    vgg.classifier[0] = nn.Linear(512, 64)
    vgg.classifier[3] = nn.Linear(64, 64)
    vgg.classifier[6] = nn.Linear(64, CLASSES)
    return vgg


@pytest.mark.parametrize("name", TORCHVISION)
def test_networks_of_torchvision(name: str) -> None:
    make, stages, depth = TORCHVISION[name]
    torch.manual_seed(0)
    model = make()
    for parameter in model.parameters():
        if parameter.ndim >= 2 and not parameter.any():  # a ViT's classifier begins at 0: nothing would reach it
            nn.init.normal_(parameter, std=0.02)
    monitor = trained(model, (torch.randn(4, 3, 32, 32), torch.randint(0, CLASSES, (4,))), steps=2, lr=1e-4)
    found = axis(monitor)
    assert (len(found), found[-1][1], found[-1][2]) == (stages, depth, "output")
    depths = [depth for _, depth, _ in found]
    assert depths == sorted(set(depths))
    order = {name: place for place, (name, _) in enumerate(model.named_modules())}
    assert [order[name] for name, _, _ in found] == sorted(order[name] for name, _, _ in found)
    probes, layers = monitor.tables["probes"], monitor.tables["layers"]
    assert len(probes) == len(layers) == 2 * stages
    for column in ("sensitivity", "sample_gradient", "input_share", "unit_spread", "weight_spread"):
        assert np.isfinite(probes[column]).all(), column
    assert (probes.sensitivity > 0).all()
    for column in ("activation_std", "activation_gradient_l2", "weight_gradient_l2", "weight_l2", "update_ratio"):
        assert (np.isfinite(layers[column]) & (layers[column] > 0)).all(), column
    assert layers[layers.kind == "hidden"].zero_fraction.notna().any()


def test_a_residual_block_is_one_stage_and_its_group_is_none() -> None:
    assert axis(trained(Residual(), vectors())) == [
        ("inward", 1, "hidden"),
        ("blocks.0", 3, "hidden"),
        ("blocks.1", 5, "hidden"),
        ("blocks.2", 7, "hidden"),
        ("head", 8, "output"),
    ]


@pytest.mark.parametrize("batch_first", [True, False])
def test_layers_of_torchs_transformer_encoder(batch_first: bool) -> None:
    data = tokens()
    monitor = trained(Reader(batch_first), data if batch_first else (data[0].t(), data[1]))
    assert axis(monitor) == [
        ("embedding", 1, "hidden"),
        ("encoder.layers.0", 5, "hidden"),
        ("encoder.layers.1", 9, "hidden"),
        ("head", 10, "output"),
    ]
    # its activation is the function F.relu: half of what it takes is below 0 at the start
    zeros = first_step(monitor, "layers").zero_fraction[1:3]
    assert zeros.between(0.3, 0.7).all()


def test_the_inputs_are_counted_where_they_are() -> None:
    """Batch first or time first, the same numbers: means over the inputs, not over the time steps."""
    model, (x, y) = Reader(True, dropout=0.0), tokens()
    other = Reader(False, dropout=0.0)
    other.load_state_dict(model.state_dict())
    one, two = first_step(trained(model, (x, y))), first_step(trained(other, (x.t(), y)))
    for column in ("sensitivity", "sample_gradient", "input_share", "unit_spread"):
        assert two[column].tolist() == pytest.approx(one[column].tolist(), rel=1e-4), column


@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("last_state", [True, False])
def test_recurrent_layers(layer: type[nn.RNNBase], batch_first: bool, last_state: bool) -> None:
    x, y = series()
    monitor = trained(Tagger(layer, batch_first, last_state), (x if batch_first else x.transpose(0, 1), y))
    assert axis(monitor) == [("recurrent", 2, "hidden"), ("head", 3, "output")]
    assert (monitor.tables["probes"].sensitivity > 0).all()  # whether the output is read or the state


def test_a_module_called_twice_is_one_stage_with_both_runs() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.again, self.head = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, CLASSES)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(torch.tanh(self.again(torch.tanh(self.again(self.first(x))))))

    torch.manual_seed(0)
    model, data = Twice(), vectors()
    twin = copy.deepcopy(model)
    monitor = trained(model, data, steps=1)
    assert axis(monitor) == [("first", 1, "hidden"), ("again", 2, "hidden"), ("head", 4, "output")]
    a = twin.again(twin.first(data[0]))
    b = twin.again(torch.tanh(a))
    g, h = torch.autograd.grad(F.cross_entropy(twin.head(torch.tanh(b)), data[1]), [a, b])
    expected = (a.norm(dim=1) * g.norm(dim=1)).sum() + (b.norm(dim=1) * h.norm(dim=1)).sum()
    assert first_step(monitor).sensitivity[1] == pytest.approx(expected.item(), rel=1e-5)


def test_one_activation_module_for_all_layers_belongs_to_each() -> None:
    model, data = SharedActivation(), vectors()
    with torch.no_grad():
        model.layers[1].bias.fill_(-100.0)  # this layer alone is silent
    zeros = first_step(trained(model, data), "layers").zero_fraction
    assert zeros[1] == 1.0
    assert zeros[[0]].between(0.2, 0.8).all()
    assert zeros[3:].isna().all()


def test_parametrized_weights_are_weights_and_their_makers_no_stages() -> None:
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(6, 4)), nn.ReLU(), nn.Linear(4, CLASSES))
    monitor = trained(model, vectors())
    assert [(depth, kind) for _, depth, kind in axis(monitor)] == [(1, "hidden"), (2, "output")]
    assert (first_step(monitor, "layers").weight_gradient_l2 > 0).all()


def test_modules_that_return_more_than_a_tensor() -> None:
    class Talkative(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention, self.head = nn.MultiheadAttention(6, 2, batch_first=True), nn.Linear(6, CLASSES)

        def forward(self, x: Tensor) -> dict[str, Tensor]:
            mixed, _ = self.attention(x, x, x)
            return {"logits": self.head(mixed.mean(1))}

    model = Talkative()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Monitor(model, optimizer) as monitor:
        F.cross_entropy(model(torch.randn(8, 3, 6))["logits"], torch.randint(0, CLASSES, (8,))).backward()
        optimizer.step()
    assert axis(monitor) == [("attention", 2, "hidden"), ("head", 3, "output")]
    assert (first_step(monitor).sensitivity > 0).all()


def test_frozen_layers_count_and_have_no_gradient() -> None:
    model = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, CLASSES))
    model[0].requires_grad_(False)
    monitor = trained(model, vectors())
    assert [depth for _, depth, _ in axis(monitor)] == [1, 2, 3]
    layers = first_step(monitor, "layers")
    assert layers[["weight_gradient_l2", "update_ratio", "activation_gradient_l2"]].isna().loc[0].all()
    assert layers[["weight_gradient_l2", "update_ratio", "activation_gradient_l2"]].notna().loc[1:].all().all()


def test_layers_that_never_run_are_no_stages() -> None:
    model = SmallCNN()
    model.unused = nn.Linear(3, 3)
    assert [name for name, _, _ in axis(trained(model, images()))] == ["features.0", "features.4", "head"]


def test_tied_weights_belong_to_both_ends() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.out = nn.Embedding(CLASSES, 6), nn.Linear(6, CLASSES, bias=False)
            self.out.weight = self.embedding.weight

        def forward(self, x: Tensor) -> Tensor:
            return self.out(torch.tanh(self.embedding(x)).mean(1))

    monitor = trained(Tied(), (torch.randint(0, CLASSES, (8, 3)), torch.randint(0, CLASSES, (8,))))
    layers = first_step(monitor, "layers")
    assert layers.name.tolist() == ["embedding", "out"]
    assert layers.weight_gradient_l2[0] == layers.weight_gradient_l2[1] > 0


@pytest.mark.parametrize(
    ("function", "module"),
    [
        (F.relu, nn.ReLU()),
        (torch.tanh, nn.Tanh()),
        (torch.sigmoid, nn.Sigmoid()),
        (F.silu, nn.SiLU()),
        (lambda z: F.leaky_relu(z, 0.3), nn.LeakyReLU(0.3)),
        (lambda z: F.gelu(z, approximate="tanh"), nn.GELU("tanh")),
    ],
)
def test_a_function_counts_as_the_module_does(function: Callable[[Tensor], Tensor], module: nn.Module) -> None:
    torch.manual_seed(1)
    model, (x, y) = Functional(function).eval(), vectors(128)  # without dropout
    with torch.no_grad():
        model.fc1.weight.mul_(8)
    twin = nn.Sequential(model.fc1, module, model.fc2, copy.deepcopy(module), model.fc3)
    twin = copy.deepcopy(twin)
    one, two = trained(model, (x, y)), trained(twin, (x, y))
    for table, columns in (
        ("layers", ["zero_fraction", "saturated_fraction", "dead_fraction"]),
        ("probes", ["slope_mean", "saturated_units", "nonpositive_fraction", "boundary_mean"]),
    ):
        a, b = first_step(one, table)[columns], first_step(two, table)[columns]
        pd.testing.assert_frame_equal(a, b, rtol=1e-6)
        assert a.iloc[:2].notna().any().any()


def test_a_class_used_again_and_again_without_a_way_around_is_no_block() -> None:
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(6, 6), nn.Linear(6, 6)

        def forward(self, x: Tensor) -> Tensor:
            return torch.tanh(self.two(torch.tanh(self.one(x))))

    monitor = trained(nn.Sequential(nn.Linear(6, 6), Pair(), Pair(), nn.Linear(6, CLASSES)), vectors())
    assert [name for name, _, _ in axis(monitor)] == ["Linear 0", "1.one", "1.two", "2.one", "2.two", "Linear 3"]


def test_an_activation_in_place_shows_what_it_took() -> None:
    torch.manual_seed(0)
    model, data = SharedActivation(nn.ELU(inplace=True)), vectors(64)
    with torch.no_grad():
        model.layers[0].weight.mul_(8)
    twin = copy.deepcopy(model)
    twin.act = nn.ELU()
    columns = ["saturated_fraction", "zero_fraction"]
    one, two = (trained(net, data, steps=2).tables["layers"].query("step == 1")[columns] for net in (model, twin))
    pd.testing.assert_frame_equal(one, two, rtol=1e-3)
    assert two.saturated_fraction.iloc[0] > 0.1


def test_a_validation_before_the_training_does_not_count() -> None:
    model, (x, y) = SmallCNN(), images()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Monitor(model, optimizer) as monitor:
        with torch.no_grad():
            model(x)
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    assert (first_step(monitor).sensitivity > 0).all()
