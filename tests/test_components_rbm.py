"""Pre-training by a stack of Boltzmann machines: an update by hand, the likelihood by counting, the stack by parts."""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.composing import compose, small_build
from tests.resuming import performed
from vgp_bench.architectures.mlp import MLP
from vgp_bench.architectures.parts import Parts
from vgp_bench.building import build
from vgp_bench.components.boltzmann import Machine
from vgp_bench.components.initializers_rbm import RBMStack
from vgp_bench.components.normalizers import NoNormalizer
from vgp_bench.errors import ConfigError

RBM = ["initializer=rbm", "initializer.epochs=1", "activation=sigmoid"]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_an_update_by_hand() -> None:
    # b = 50: the hidden unit is on, whatever is sampled. a = 0, W = 0: each visible unit is on with 1/2.
    machine = Machine(torch.zeros(1, 2), torch.tensor([50.0]), torch.zeros(2))
    for _ in range(2):
        machine.learn(torch.tensor([[1.0, 0.0], [1.0, 1.0]]), lr=0.1, momentum=0.5, weight_decay=0.2)
    # data minus reconstruction: (.5, 0), for the weights and, as h = 1, for the visible biases
    first = 0.1 * 0.5
    weight = 0.5 * first + 0.1 * (1 - sigmoid(2 * first) - 0.2 * first)
    bias = 0.5 * first + 0.1 * (1 - sigmoid(2 * first))
    torch.testing.assert_close(machine.weight, torch.tensor([[first + weight, 0.0]]))
    torch.testing.assert_close(machine.visible_bias, torch.tensor([first + bias, 0.0]))
    torch.testing.assert_close(machine.hidden_bias, torch.tensor([50.0]))


def test_the_reconstruction_is_of_sampled_states_and_the_rest_of_probabilities() -> None:
    # p(h = 1) = 1/2 for every input. A sampled h makes v about 0 or 1, a mean one would make it 1/2.
    visible, n = torch.full((4000, 1), 0.5), 4000
    machine = Machine(torch.tensor([[20.0]]), torch.tensor([-10.0]), torch.tensor([-10.0]))
    machine.learn(visible, lr=1.0, momentum=0.0, weight_decay=0.0)
    # data: h v = 1/4; reconstruction: v = h = 0 or 1, so their product is 1 in half of the samples
    assert machine.weight.item() == pytest.approx(20 + 1 / 4 - 1 / 2, abs=4 * 0.5 / math.sqrt(n))
    assert machine.hidden_bias.item() == pytest.approx(-10, abs=4 * 0.5 / math.sqrt(n))


def negative_log_likelihood(machine: Machine, samples: Tensor) -> float:
    """In nats, by counting all states: p(v) = exp(a v) prod_j (1 + exp(b_j + W_j v)) / Z."""
    units = len(machine.visible_bias)
    states = torch.tensor([[(i >> bit) & 1 for bit in range(units)] for i in range(2**units)], dtype=torch.float32)

    def exponent(v: Tensor) -> Tensor:
        return v @ machine.visible_bias + nn.functional.softplus(v @ machine.weight.T + machine.hidden_bias).sum(1)

    return float(torch.logsumexp(exponent(states), 0) - exponent(samples).mean())


def test_it_learns_what_units_have_in_common() -> None:
    # Two patterns: no model without hidden units is better than 6 log 2 nats; log 2 is the best of all.
    samples = torch.tensor([[1.0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]]).repeat(50, 1)
    machine = Machine.drawn(samples, 4)
    assert negative_log_likelihood(machine, samples) == pytest.approx(6 * math.log(2), abs=0.05)
    for epoch in range(60):
        machine.learn_epoch(samples, epoch, 10, 0.1, 0.9, 0.0002)
    assert math.log(2) <= negative_log_likelihood(machine, samples) < 1.5 * math.log(2)


def test_the_visible_biases_begin_with_the_mean_of_each_unit() -> None:
    samples = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    machine = Machine.drawn(samples, 2000)
    rare = math.log((1 / 8) / (7 / 8))  # one that is never on: half a sample of four
    torch.testing.assert_close(machine.visible_bias, torch.tensor([math.log(1 / 3), rare, -rare]))
    assert not machine.hidden_bias.any()
    assert machine.weight.std().item() == pytest.approx(0.01, rel=0.05)


def test_momentum_is_low_in_the_first_passes() -> None:
    samples = torch.rand(20, 3)
    seen: list[float] = []

    class Listening(Machine):
        def learn(self, visible: Tensor, lr: float, momentum: float, weight_decay: float) -> None:
            seen.append(momentum)

    machine = Listening(torch.zeros(2, 3), torch.zeros(2), torch.zeros(3))
    for epoch in range(7):
        machine.learn_epoch(samples, epoch, 20, 0.1, 0.9, 0.0)
    machine.learn_epoch(samples, 0, 20, 0.1, 0.3, 0.0)
    assert seen == [0.5] * 5 + [0.9] * 2 + [0.3]


def test_a_pass_shows_every_sample_once() -> None:
    shown: list[Tensor] = []

    class Listening(Machine):
        def learn(self, visible: Tensor, lr: float, momentum: float, weight_decay: float) -> None:
            shown.append(visible)

    samples = torch.arange(7.0).reshape(7, 1)
    Listening(torch.zeros(1, 1), torch.zeros(1), torch.zeros(1)).learn_epoch(samples, 0, 3, 0.1, 0.9, 0.0)
    assert [len(batch) for batch in shown] == [3, 3, 1]
    order = torch.cat(shown).flatten().tolist()
    assert sorted(order) == list(range(7)) != order


def mlp(shape: tuple[int, int, int] = (2, 3, 3), depth: int = 2, width: int = 5) -> MLP:
    return MLP(shape, 4, Parts(nn.Sigmoid, NoNormalizer()), depth, width)


def test_the_layers_are_the_machines_of_the_stack() -> None:
    pixels = torch.rand(40, 2, 3, 3)
    pixels[0], pixels[1] = 0, 1  # as in any data set, black and white occur
    normalized = (pixels - torch.tensor([0.3, 0.6]).view(2, 1, 1)) / torch.tensor([0.2, 0.5]).view(2, 1, 1)
    model = mlp()
    torch.manual_seed(3)
    RBMStack(epochs=6, batch_size=16, lr=0.5).initialize(model, nn.Sigmoid, normalized)
    torch.manual_seed(3)
    below, inputs = pixels.flatten(1), normalized.flatten(1)
    for layer in model.hidden:
        machine = Machine.drawn(below, 5)
        for epoch in range(6):
            machine.learn_epoch(below, epoch, 16, 0.5, 0.9, 0.0002)
        below = machine.hidden(below)
        inputs = layer(inputs)
        torch.testing.assert_close(inputs, below, rtol=1e-4, atol=1e-5)
    assert below.std(0).min() > 0


def test_the_classifier_begins_as_torch_has_it() -> None:
    model = mlp(width=400)
    nn.init.constant_(model.output.weight, 7.0)
    RBMStack(epochs=1).initialize(model, nn.Sigmoid, torch.rand(20, 2, 3, 3))
    bound = 1 / math.sqrt(400)
    assert bound * 0.95 < model.output.weight.abs().max() <= bound
    assert model.output.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)


def test_a_channel_of_one_value_does_no_harm() -> None:
    images = torch.rand(20, 2, 3, 3)
    images[:, 1] = -0.4
    model = mlp()
    RBMStack(epochs=1).initialize(model, nn.Sigmoid, images)
    assert all(p.isfinite().all() for p in model.parameters())


def built(*words: str) -> Tensor:
    composed = compose(*RBM, "architecture.depth=2", "architecture.width=8", "dataset.train_size=300", *words)
    model = build({**composed.config, "device": "cpu"}, lambda row: None).model
    return nn.utils.parameters_to_vector(model.parameters()).detach()


def test_it_learns_from_all_training_samples_unless_told_otherwise() -> None:
    known = built()
    assert torch.equal(built("initializer.samples=300"), known)
    assert not torch.equal(built("initializer.samples=200"), known)


def test_the_seed_decides_and_nothing_that_was_drawn_before() -> None:
    known = built()
    torch.rand(100)
    assert torch.equal(built("monitor=off"), known)
    assert not torch.equal(built("seed=1"), known)


def test_nothing_is_told_where_there_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    built()
    assert capfd.readouterr() == ("", "")


PLAIN = r"initializer=rbm: takes a plain MLP without normalizer: use architecture=mlp normalizer=none"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["activation=relu"], r"initializer=rbm: a Boltzmann machine has sigmoid units: use activation=sigmoid"),
        (["activation=tanh"], r"initializer=rbm: a Boltzmann machine has sigmoid units: use activation=sigmoid"),
        (["architecture=residual_mlp"], PLAIN),
        (["architecture=highway_mlp"], PLAIN),
        (["architecture=plain_cnn"], PLAIN),
        (["architecture=vit", "normalizer=layer"], PLAIN),
        (["architecture=lstm"], PLAIN),
        (["normalizer=batch"], PLAIN),
        (["normalizer=rms"], PLAIN),
        (["normalizer=layer", "normalizer.placement=after"], PLAIN),
        (["normalizer.weight_standardization=true"], PLAIN),
        (["initializer.samples=65"], r"initializer\.samples=65: there are 64 training samples"),
        (["initializer.epochs=0"], r"initializer\.epochs=0: must be 1 or more"),
        (["initializer.batch_size=0"], r"initializer\.batch_size=0: must be 1 or more"),
        (["initializer.samples=0"], r"initializer\.samples=0: must be 1 or more"),
        (["initializer.lr=0"], r"initializer\.lr=0: must be above 0"),
        (["initializer.momentum=1"], r"initializer\.momentum=1: must be 0 or more and below 1"),
        (["initializer.weight_decay=-1"], r"initializer\.weight_decay=-1: must be 0 or more"),
        (["initializer.lr=1e38"], r"initializer\.lr=1e\+38: pre-training of layer 1 diverged; lower it"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_makes_no_sense_is_refused_in_one_line(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refusal:
        small_build(compose(*RBM, *words))
    assert "\n" not in str(refusal.value)


def test_a_deep_sigmoid_net_that_stands_still_learns_when_pretrained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Hinton, Osindero & Teh 2006; Glorot & Bengio 2010: from random weights, deep sigmoid nets do not get off.
    monkeypatch.chdir(tmp_path)
    accuracies = []
    for words in (["initializer=rbm", "initializer.epochs=10"], ["initializer=xavier_normal"]):
        outcome = performed(
            *words,
            *["architecture.depth=5", "architecture.width=50", "activation=sigmoid"],
            *["optimizer.lr=0.1", "trainer.max_epochs=6", "monitor=off", "device=cpu"],
        )
        assert outcome is not None
        assert outcome.summary is not None, outcome.reason
        accuracies.append(outcome.summary.test_accuracy)
    assert accuracies[0] > 0.8
    assert accuracies[1] < 0.3
