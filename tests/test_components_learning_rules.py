"""Feedback alignment: what goes back, against the paper's formulas; what goes forward is untouched; its angle."""

import copy
import json
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.composing import compose, small_build
from tests.probing import Chain
from tests.resuming import MLP, fingerprint, performed, the_run
from vgp_bench.architectures.stages import Architecture
from vgp_bench.components.feedback_alignment import FeedbackAlignment, aligned_modules
from vgp_bench.components.gates import GateLinear
from vgp_bench.components.learning_rules import Backprop
from vgp_bench.components.weight_standardization import StandardizedConv2d
from vgp_bench.data.objectives import Classification
from vgp_bench.errors import ConfigError
from vgp_bench.monitor.angles import angle, angle_rows
from vgp_bench.monitor.probing import Probe
from vgp_bench.records.reading import read_run

FA = "learning_rule=feedback_alignment"


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def aligned(*layers: nn.Module, seed: int = 0) -> Chain:
    model = Chain(*layers)
    FeedbackAlignment().apply(model, seed)
    return model


def gradients(model: nn.Module, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
    model.zero_grad()
    nn.functional.cross_entropy(model(inputs), targets).backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def test_a_net_known_by_hand() -> None:
    model = aligned(nn.Linear(2, 2, bias=False), nn.Linear(2, 1, bias=False))
    first, second = aligned_modules(model)
    first.weight.data = torch.tensor([[1.0, 2.0], [0.0, 1.0]])  # type: ignore[operator]
    second.weight.data = torch.tensor([[1.0, 1.0]])  # type: ignore[operator]
    second.feedback = torch.tensor([[3.0, -5.0]])
    x = torch.tensor([[1.0, 2.0]])  # h = (5, 2), y = 7, and the error of L = y^2 / 2 is 7
    (model(x).square().sum() / 2).backward()
    assert torch.equal(second.weight.grad, torch.tensor([[35.0, 14.0]]))  # type: ignore[arg-type, union-attr]
    # the hidden units get 7 (3, -5), not 7 (1, 1)
    assert torch.equal(first.weight.grad, torch.tensor([[21.0, 42.0], [-35.0, -70.0]]))  # type: ignore[arg-type, union-attr]


def test_every_delta_is_that_of_the_paper() -> None:
    """delta_l = (B^T delta_(l+1)) phi'(z_l), dL/dW_l = delta_l h_(l-1)^T, from the softmax's error down."""
    sizes = [7, 6, 5, 4]
    layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
    model = aligned(layers[0], nn.Tanh(), layers[1], nn.Sigmoid(), layers[2])
    x, targets = torch.randn(9, 7), torch.arange(9) % 4
    found = gradients(model, x, targets)
    with torch.no_grad():
        h = [x, torch.tanh(layers[0](x))]
        h.append(torch.sigmoid(layers[1](h[1])))
        delta = (torch.softmax(layers[2](h[2]), 1) - nn.functional.one_hot(targets, 4)) / 9
        slopes = [None, 1 - h[1] ** 2, h[2] * (1 - h[2])]
        for index in (2, 1, 0):
            name = f"layers.{2 * index}"
            torch.testing.assert_close(found[f"{name}.weight"], delta.T @ h[index])
            torch.testing.assert_close(found[f"{name}.bias"], delta.sum(0))
            if index:
                delta = delta @ layers[index].feedback * slopes[index]


def test_a_convolution_sends_errors_back_through_filters_of_its_own() -> None:
    conv, first = nn.Conv2d(4, 6, 3, stride=2, padding=1), nn.Conv2d(2, 4, 3, padding=1)
    model = aligned(first, conv)
    x, error = torch.randn(3, 2, 7, 7), torch.randn(3, 6, 4, 4)
    (model(x) * error).sum().backward()
    sent = torch.nn.grad.conv2d_input((3, 4, 7, 7), conv.feedback, error, stride=2, padding=1)
    assert first.weight.grad is not None
    torch.testing.assert_close(first.weight.grad, torch.nn.grad.conv2d_weight(x, (4, 2, 3, 3), sent, padding=1))
    exact = torch.nn.grad.conv2d_input((3, 4, 7, 7), conv.weight, error, stride=2, padding=1)
    assert not torch.allclose(sent, exact, atol=1e-2)


@pytest.mark.parametrize("shared", [False, True], ids=["feedback of its own", "feedback like the weights"])
@pytest.mark.parametrize("architecture", ["mlp", "highway_mlp", "plain_cnn", "resnet", "vit"])
def test_with_the_weights_for_feedback_any_architecture_has_the_exact_gradient(architecture: str, shared: bool) -> None:
    words = [f"architecture={architecture}", "activation=tanh", "initializer=pytorch_default"]
    if architecture == "vit":
        words.append("normalizer=layer")
    loop, exact = small_build(compose(*words, FA)), small_build(compose(*words))
    if shared:
        for module in aligned_modules(loop.model):
            module.feedback.copy_(module.weight.detach())  # type: ignore[operator]
    inputs, targets = next(loop.batches.epoch(0))
    found = []
    for model in (loop.model, exact.model):
        torch.manual_seed(5)  # dropout
        found.append(gradients(model, inputs, targets))
    assert found[0].keys() == found[1].keys()
    assert all(g.isfinite().all() for g in found[0].values())
    same = [torch.allclose(g, found[1][name], rtol=1e-3, atol=1e-6) for name, g in found[0].items()]
    assert all(same) if shared else not all(same)


def test_what_goes_forward_and_what_is_drawn_is_that_of_backpropagation() -> None:
    words = ["architecture=plain_cnn", "normalizer=batch"]
    twin, states = small_build(compose(*words)), [torch.get_rng_state()]
    loop = small_build(compose(*words, FA))
    states.append(torch.get_rng_state())
    assert torch.equal(*states)
    for (name, weight), (other, like) in zip(twin.model.named_parameters(), loop.model.named_parameters(), strict=True):
        assert name == other
        assert torch.equal(weight, like)
    inputs, _ = next(loop.batches.epoch(0))
    assert torch.equal(twin.model(inputs), loop.model(inputs))
    assert not aligned_modules(twin.model)
    assert set(loop.model.state_dict()) - set(twin.model.state_dict()) == {
        f"{name}.feedback" for name, module in twin.model.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)
    }
    assert sum(p.numel() for p in loop.step.parameters) == sum(p.numel() for p in twin.step.parameters)


def test_backpropagation_leaves_a_model_as_it_is() -> None:
    model = Chain(nn.Linear(2, 2))
    before = copy.deepcopy(model.state_dict())
    Backprop().apply(model, 0)
    assert [type(module) for module in model.modules()][2:] == [nn.Linear]
    assert str(before) == str(model.state_dict())


def feedback(*words: str) -> Tensor:
    model = small_build(compose(FA, *words)).model
    return torch.cat([module.feedback.flatten() for module in aligned_modules(model)])


def test_feedback_follows_from_the_seed_and_from_nothing_else() -> None:
    known = feedback()
    torch.rand(10)
    assert torch.equal(feedback("initializer=orthogonal", "activation=tanh", "dataset.split_seed=1"), known)
    torch.testing.assert_close(feedback("learning_rule.gain=3"), 3 * known)
    assert not torch.isin(known, feedback("seed=1")).any()
    weights = torch.cat([p.flatten() for p in small_build(compose(FA)).model.parameters()])
    assert not torch.isin(known, weights).any()
    assert torch.equal(feedback(f"seed={2**64 - 1}"), feedback(f"seed={2**64 - 1}"))


@pytest.mark.parametrize(("layer", "fan_out"), [(nn.Linear(300, 100), 100), (nn.Conv2d(40, 50, 3), 450)])
def test_an_error_keeps_its_size_on_its_way_through_feedback(layer: nn.Module, fan_out: int) -> None:
    model = Chain(layer)
    FeedbackAlignment(gain=2.0).apply(model, 0)
    (module,) = aligned_modules(model)
    assert module.feedback.std().item() == pytest.approx(2 / math.sqrt(fan_out), rel=0.02)  # of over 15000 values
    assert module.feedback.mean().item() == pytest.approx(0, abs=0.01)
    assert module.feedback.abs().max().item() == pytest.approx(2 * math.sqrt(3 / fan_out), rel=0.01)  # uniform


def test_feedback_is_never_learned() -> None:
    loop = small_build(compose(FA, "optimizer.weight_decay=0.1"), max_epochs=2)
    modules = aligned_modules(loop.model)
    before = [(module.feedback.clone(), module.weight.detach().clone()) for module in modules]  # type: ignore[operator]
    loop.train()
    for module, (fixed, weight) in zip(modules, before, strict=True):
        assert torch.equal(module.feedback, fixed)
        assert not torch.equal(module.weight, weight)  # type: ignore[arg-type]


def test_in_16_bits_it_is_the_same_up_to_rounding() -> None:
    model = aligned(nn.Linear(20, 30), nn.Tanh(), nn.Linear(30, 30), nn.Tanh(), nn.Linear(30, 10))
    x, targets = torch.randn(32, 20), torch.arange(32) % 10
    exact = gradients(model, x, targets)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = gradients(model, x, targets)
    for name, gradient in exact.items():
        assert (rounded[name] - gradient).norm() < 0.03 * gradient.norm(), name
        assert rounded[name].dtype is torch.float32


@pytest.mark.parametrize("architecture", ["rnn", "lstm"])
def test_recurrent_architectures_are_refused(architecture: str) -> None:
    with pytest.raises(ConfigError, match="is part of a recurrent cell; choose an architecture without"):
        small_build(compose(f"architecture={architecture}", FA))


class Tied(Chain):
    def __init__(self) -> None:
        super().__init__(nn.Linear(2, 2), nn.Linear(2, 2))
        self.layers[1].weight = self.layers[0].weight


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: Chain(GateLinear(2, 2, 4)), "layers.0 is part of a recurrent cell"),
        (lambda: Chain(nn.GRU(2, 2)), "layers.0 is part of a recurrent cell"),
        (lambda: Chain(StandardizedConv2d(2, 2, 3)), "set normalizer.weight_standardization=false"),
        (lambda: Chain(nn.Conv3d(2, 2, 3)), "layers.0 is a Conv3d; choose another architecture"),
        (Tied, "layers.1 shares its weight with layers.0; choose another architecture"),
    ],
    ids=["gates", "fused", "standardized", "of another kind", "tied"],
)
def test_where_it_has_no_meaning_it_is_refused(model: Callable[[], Architecture], message: str) -> None:
    begun = "learning_rule=feedback_alignment: takes linear and convolutional layers with a weight of their own: "
    with pytest.raises(ConfigError, match=message) as refusal:
        FeedbackAlignment().apply(model(), 0)
    assert str(refusal.value).startswith(begun)
    assert str(refusal.value).endswith(", or use learning_rule=backprop")


@pytest.mark.parametrize("gain", [0, -1.0])
def test_no_feedback_is_refused(gain: float) -> None:
    with pytest.raises(ConfigError, match=f"learning_rule.gain={gain}: must be above 0"):
        FeedbackAlignment(gain=gain)


@pytest.mark.parametrize(
    ("one", "other", "degrees"),
    [
        ((1.0, 0.0), (3.0, 3.0), 45),
        ((1.0, 0.0), (0.0, 2.0), 90),
        ((1.0, 2.0), (-2.0, -4.0), 180),
        ((1.0, 2.0), (2.0, 4.0), 0),
        # an arc cosine in float64 would give 0
        ((1.0, 0.0), (1.0, 1e-9), math.degrees(1e-9)),
        ((1e-45, 0.0), (1e-45, 1e-45), 45),
    ],
)
def test_angles(one: tuple[float, ...], other: tuple[float, ...], degrees: float) -> None:
    vectors = (torch.tensor(v, dtype=torch.float64) for v in (one, other))
    assert angle(*vectors) == pytest.approx(degrees, rel=1e-6, abs=1e-12)


def test_against_nothing_there_is_no_angle() -> None:
    assert math.isnan(angle(torch.zeros(2), torch.ones(2)))
    assert math.isnan(angle(torch.tensor([math.inf, 0.0]), torch.ones(2)))


def probe_of(n: int = 16) -> Probe:
    return Probe(torch.randn(n, 6), torch.arange(n) % 4, Classification())


def test_the_angle_of_each_layer_by_plain_autograd() -> None:
    model, probe = aligned(nn.Linear(6, 5), nn.Sequential(nn.Tanh(), nn.Linear(5, 4))), probe_of()
    plain = Chain(nn.Linear(6, 5), nn.Sequential(nn.Tanh(), nn.Linear(5, 4)))
    plain.load_state_dict(model.state_dict(), strict=False)
    found, exact = (gradients(net, probe.inputs, probe.targets) for net in (model, plain))
    rows = angle_rows(model, model.stages(), probe, 7)
    assert [(row.step, row.stage, row.name, row.kind, row.depth) for row in rows] == [
        (7, 0, "0", "hidden", 1),
        (7, 1, "1", "output", 2),
    ]
    name = "layers.0.weight"
    cosine = float((found[name] * exact[name]).sum() / (found[name].norm() * exact[name].norm()))
    assert rows[0].gradient_angle == pytest.approx(math.degrees(math.acos(cosine)), abs=1e-2)
    assert 1 < rows[0].gradient_angle < 179
    assert rows[1].gradient_angle == 0


@pytest.mark.parametrize(("factor", "degrees"), [(1.0, 0.0), (-1.0, 180.0)])
def test_feedback_along_the_weights_or_against_them(factor: float, degrees: float) -> None:
    model = aligned(nn.Linear(6, 5), nn.Linear(5, 4))
    for module in aligned_modules(model):
        module.feedback = factor * module.weight.detach()  # type: ignore[operator]
    rows = angle_rows(model, model.stages(), probe_of(), 0)
    assert rows[0].gradient_angle == pytest.approx(degrees, abs=1e-4)
    assert rows[1].gradient_angle == 0


def test_backpropagation_has_no_angle() -> None:
    model = Chain(nn.Linear(6, 4))
    assert angle_rows(model, model.stages(), probe_of(), 0) == []


def test_looking_leaves_no_trace_and_both_passes_drop_the_same_units() -> None:
    model = aligned(nn.Linear(6, 50), nn.Sequential(nn.BatchNorm1d(50), nn.Dropout(0.5), nn.Linear(50, 4)))
    probe = probe_of()
    state, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    rows = angle_rows(model, model.stages(), probe, 0)
    assert rows[-1].gradient_angle == 0
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in state.items())
    assert all(p.grad is None for p in model.parameters())
    again = gradients(model, probe.inputs, probe.targets)["layers.0.weight"]
    torch.set_rng_state(random)
    with_feedback = gradients(model, probe.inputs, probe.targets)["layers.0.weight"]
    assert again.shape == with_feedback.shape
    assert not any(module.exact for module in aligned_modules(model))


def test_it_learns_and_the_weights_come_to_agree_with_the_feedback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Lillicrap et al. 2016, figure 2: below 90 degrees in training; by chance alone it would be 90.
    monkeypatch.chdir(tmp_path)
    words = [FA, "architecture.depth=2", "architecture.width=64", "activation=sigmoid", "initializer=xavier_uniform"]
    outcome = performed(*words, "optimizer.lr=0.1", "trainer.max_epochs=20", "monitor.probe_every=60", "device=cpu")
    assert outcome is not None
    assert outcome.summary is not None
    assert outcome.summary.test_accuracy > 0.9
    rows = read_run(the_run()).rows("angles")
    hidden = rows[rows.kind == "hidden"]
    assert (hidden[hidden.step == hidden.step.min()].gradient_angle.between(70, 110)).all()
    assert (hidden[hidden.step == hidden.step.max()].gradient_angle < 70).all()
    assert set(rows[rows.kind == "output"].gradient_angle) == {0.0}


def test_a_run_that_was_killed_goes_on_with_the_same_feedback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = [*MLP, FA, "monitor.probe_every=3", "activation=sigmoid"]
    twin = performed(*words, results="twin")
    assert twin is not None
    assert performed(*words, "checkpoint_steps=1", die_after=6) is None
    performed(*words)
    resumed = json.loads((the_run() / "environment.json").read_text())["resumed"]
    assert [entry["step"] for entry in resumed] == [5]
    assert fingerprint(the_run()) == fingerprint(the_run("twin"))
    assert len(read_run(the_run()).rows("angles")) == 3 * 5  # stages; steps 0, 3, 6, 9 and 11


def test_the_angles_of_a_run_with_backpropagation_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    performed(*MLP, "trainer.max_steps=2")
    assert not (the_run() / "angles.parquet").exists()
    assert read_run(the_run()).rows("angles").empty
