"""RNN, IRNN, LSTM and GRU: torch's own numbers, their papers' closed forms, and what they refuse."""

import inspect
import math
from functools import partial

import pytest
import torch
import yaml
from scipy.integrate import quad
from torch import nn

from tests.composing import names_on_disk
from vgp_bench.architectures.gru import GRU
from vgp_bench.architectures.irnn import IRNN
from vgp_bench.architectures.lstm import LSTM, LSTMCell
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.recurrent_layer import RecurrentLayer
from vgp_bench.architectures.rnn import RNN
from vgp_bench.building import make
from vgp_bench.components.activations import activation_modules
from vgp_bench.components.gates import GateLinear
from vgp_bench.components.initializers import NormalWeights, PytorchDefault, VarianceScaling
from vgp_bench.components.initializers_isometric import IdentityWeights, Orthogonal
from vgp_bench.components.initializers_lsuv import LSUV
from vgp_bench.components.normalizers import (
    BatchNormalizer,
    GroupNormalizer,
    InstanceNormalizer,
    LayerNormalizer,
    NoNormalizer,
    RMSNormalizer,
)
from vgp_bench.config import config_dir
from vgp_bench.data.sequences import SequenceShape
from vgp_bench.errors import ConfigError

LENGTH, FEATURES, OUTPUTS, HIDDEN = 7, 3, 5, 6
SHAPE = SequenceShape(LENGTH, FEATURES, OUTPUTS)
EVERY_STEP = SequenceShape(LENGTH, FEATURES, OUTPUTS, every_step=True)
TANH, RELU = Parts(nn.Tanh, NoNormalizer()), Parts(nn.ReLU, NoNormalizer())

FUSED = {  # kind: what builds it, and torch's module
    "rnn tanh": (partial(RNN, parts=TANH), partial(nn.RNN, nonlinearity="tanh")),
    "rnn relu": (partial(RNN, parts=RELU), partial(nn.RNN, nonlinearity="relu")),
    "irnn": (partial(IRNN, parts=RELU), partial(nn.RNN, nonlinearity="relu")),
    "lstm": (partial(LSTM, parts=RELU), nn.LSTM),
    "gru": (partial(GRU, parts=RELU), nn.GRU),
}
OPEN = {  # kinds that no fused kernel computes
    "rnn gelu": partial(RNN, parts=Parts(nn.GELU, NoNormalizer())),
    "rnn layer": partial(RNN, parts=Parts(nn.Tanh, LayerNormalizer())),
    "irnn rms": partial(IRNN, parts=Parts(nn.ReLU, RMSNormalizer())),
    "lstm 1997": partial(LSTM, parts=RELU, forget_gate=False),
    "lstm candidate": partial(LSTM, parts=RELU, candidate="activation"),
    "lstm layer": partial(LSTM, parts=Parts(nn.ReLU, LayerNormalizer())),
    "lstm rms": partial(LSTM, parts=Parts(nn.ReLU, RMSNormalizer())),
    "gru candidate": partial(GRU, parts=RELU, candidate="activation"),
    "gru layer": partial(GRU, parts=Parts(nn.ReLU, LayerNormalizer())),
    "gru rms": partial(GRU, parts=Parts(nn.ReLU, RMSNormalizer())),
}
ALL = {**{name: build for name, (build, _) in FUSED.items()}, **OPEN}
FORMS = [(1, False), (3, False), (1, True), (3, True)]


def gradients(model, loss):
    return dict(zip(dict(model.named_parameters()), torch.autograd.grad(loss, list(model.parameters())), strict=True))


def some_loss(outputs):
    return (outputs * torch.arange(outputs.numel(), dtype=outputs.dtype).view_as(outputs).cos()).sum()


@pytest.mark.parametrize("shape", [SHAPE, EVERY_STEP])
@pytest.mark.parametrize(("layers", "bidirectional"), FORMS)
@pytest.mark.parametrize("name", FUSED)
def test_the_fused_and_the_transparent_cell_agree(name, layers, bidirectional, shape):
    model = FUSED[name][0](shape, hidden=HIDDEN, layers=layers, bidirectional=bidirectional).double()
    inputs = torch.randn(4, LENGTH, FEATURES, dtype=torch.float64)
    assert all(layer.directions[0].kernel for layer in model.layers)
    fused, (transparent, _) = model(inputs), model.unrolled(inputs)
    torch.testing.assert_close(fused, transparent, rtol=1e-10, atol=1e-10)
    expected = gradients(model, some_loss(transparent))
    for parameter, gradient in gradients(model, some_loss(fused)).items():
        torch.testing.assert_close(gradient, expected[parameter], rtol=1e-10, atol=1e-10, msg=parameter)


@pytest.mark.parametrize(("layers", "bidirectional"), FORMS)
@pytest.mark.parametrize("name", FUSED)
def test_torchs_own_module_gives_the_same_from_the_same_weights(name, layers, bidirectional):
    build, torchs = FUSED[name]
    model = build(SHAPE, hidden=HIDDEN, layers=layers, bidirectional=bidirectional).double()
    reference = torchs(FEATURES, HIDDEN, layers, batch_first=True, bidirectional=bidirectional).double()
    cells = [(depth, cell) for depth, layer in enumerate(model.layers) for cell in layer.directions]
    with torch.no_grad():
        for index, (depth, cell) in enumerate(cells):
            suffix = f"l{depth}" + ("_reverse" if bidirectional and index % 2 else "")
            for ours, theirs in ((cell.input_to_hidden, "ih"), (cell.hidden_to_hidden, "hh")):
                ours.weight.copy_(reference.get_parameter(f"weight_{theirs}_{suffix}"))
                ours.bias.copy_(reference.get_parameter(f"bias_{theirs}_{suffix}"))
    inputs = torch.randn(4, LENGTH, FEATURES, dtype=torch.float64)
    _, last = reference(inputs)
    h = last[0] if isinstance(last, tuple) else last  # (layers * directions, n, hidden)
    directions = 2 if bidirectional else 1
    expected = model.output[-1](torch.cat(list(h[-directions:]), dim=-1))
    torch.testing.assert_close(model(inputs), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(model.unrolled(inputs)[0], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("layers", "bidirectional"), FORMS)
@pytest.mark.parametrize("name", ALL)
def test_stages_feed_each_other_and_every_parameter_gets_a_gradient(name, layers, bidirectional):
    model = ALL[name](SHAPE, hidden=HIDDEN, layers=layers, bidirectional=bidirectional)
    stages, fed, given = model.stages(), [], []
    for stage in stages:
        stage.module.register_forward_pre_hook(lambda _, inputs: fed.append(inputs[0]))
        stage.module.register_forward_hook(lambda _, __, output: given.append(output))
    outputs = model(torch.randn(4, LENGTH, FEATURES))
    assert outputs.shape == (4, OUTPUTS)
    assert given[-1] is outputs
    assert all(after is before for after, before in zip(fed[1:], given[:-1], strict=True))
    assert all(h.shape == (4, LENGTH, HIDDEN * (1 + bidirectional)) for h in given[:-1])
    assert [stage.depth for stage in stages] == list(range(1, layers + 2))
    # W_x and W_h of each direction
    assert [len(stage.weights()) for stage in stages] == [2 * (1 + bidirectional)] * layers + [1]
    for parameter, gradient in gradients(model, some_loss(outputs)).items():
        assert torch.isfinite(gradient).all(), parameter
        assert gradient.any(), parameter


@pytest.mark.parametrize("name", ALL)
def test_an_answer_at_every_step_knows_the_past_only(name):
    model = ALL[name](EVERY_STEP, hidden=HIDDEN).double()
    inputs = torch.randn(2, LENGTH, FEATURES, dtype=torch.float64, requires_grad=True)
    outputs = model(inputs)
    assert outputs.shape == (2, LENGTH, OUTPUTS)
    (gradient,) = torch.autograd.grad(outputs[:, 3].sum(), inputs)
    seen = gradient.abs().sum(dim=(0, 2)) > 0
    assert seen.tolist() == [True] * 4 + [False] * (LENGTH - 4)


@pytest.mark.parametrize("name", ALL)
def test_both_directions_have_read_the_whole_sequence_before_they_answer(name):
    model = ALL[name](SHAPE, hidden=HIDDEN, bidirectional=True).double()
    inputs = torch.randn(2, LENGTH, FEATURES, dtype=torch.float64, requires_grad=True)
    states = model.layers(inputs)
    read = model.output[0](states)
    for part in (read[:, :HIDDEN], read[:, HIDDEN:]):
        (gradient,) = torch.autograd.grad(part.sum(), inputs, retain_graph=True)
        assert (gradient.abs().sum(dim=(0, 2)) > 0).all()


@pytest.mark.parametrize("name", ALL)
def test_unrolled_states_are_those_of_the_layers_and_in_the_graph(name):
    model = ALL[name](SHAPE, hidden=HIDDEN, layers=2, bidirectional=True).double()
    inputs = torch.randn(3, LENGTH, FEATURES, dtype=torch.float64)
    seen = {}
    for stage in model.stages():
        stage.module.register_forward_hook(lambda _, __, output, name=stage.name: seen.update({name: output}))
    model(inputs)
    first, last = seen["layer_1"], seen["layer_2"]
    outputs, hidden = model.unrolled(inputs)
    places = [(states.layer, states.direction) for states in hidden]
    assert places == [(layer, d) for layer in ("layer_1", "layer_2") for d in ("forward", "backward")]
    for index, states in enumerate(hidden):
        of_layer = (first, last)[index // 2][..., (index % 2) * HIDDEN :][..., :HIDDEN]
        torch.testing.assert_close(torch.stack(states.states, 1), of_layer, rtol=1e-10, atol=1e-10)
        assert len(states.cells) == (LENGTH if name.startswith("lstm") else 0)
    below = [h for states in hidden[:2] for h in states.states]
    assert all(g.any() for g in torch.autograd.grad(outputs.sum(), below, retain_graph=True))


@pytest.mark.parametrize("name", ["rnn tanh", "rnn relu", "gru"])
def test_the_gradient_of_a_state_is_the_total_derivative(name):
    """The same by hand: a number added to h_t changes the loss as much as all later steps make of it."""
    model = ALL[name](SHAPE, hidden=HIDDEN).double()
    inputs = torch.randn(1, LENGTH, FEATURES, dtype=torch.float64)
    outputs, (seen,) = model.unrolled(inputs)
    (gradient,) = torch.autograd.grad(some_loss(outputs), [seen.states[2]])
    cell = model.layers[0].directions[0]

    def loss_from(h):
        for from_input in cell.input_to_hidden(inputs).unbind(1)[3:]:
            (h,) = cell.step(from_input, (h,))
        return some_loss(model.output[-1](h))

    step = 1e-6
    for unit in range(HIDDEN):
        push = step * nn.functional.one_hot(torch.tensor([unit]), HIDDEN)
        slope = (loss_from(seen.states[2] + push) - loss_from(seen.states[2] - push)) / (2 * step)
        assert slope.item() == pytest.approx(gradient[0, unit].item(), rel=1e-5, abs=1e-9)


def test_dropout_acts_between_layers_and_the_unrolled_cell_drops_the_same():
    model = GRU(SHAPE, RELU, hidden=HIDDEN, layers=2, dropout=0.5).double()
    inputs = torch.randn(4, LENGTH, FEATURES, dtype=torch.float64)
    assert not torch.equal(model(inputs), model(inputs))
    torch.manual_seed(1)
    fused = model(inputs)
    torch.manual_seed(1)
    torch.testing.assert_close(model.unrolled(inputs)[0], fused, rtol=1e-10, atol=1e-10)
    model.eval()
    assert torch.equal(model(inputs), model(inputs))


def test_a_chosen_activation_is_the_only_one_that_is_measured():
    count = {name: len(activation_modules(build(SHAPE, hidden=HIDDEN))) for name, build in ALL.items()}
    assert {name for name, n in count.items() if n} == {n for n in ALL if "rnn" in n or "candidate" in n}
    assert count["lstm candidate"] == 2
    assert count["gru candidate"] == 1


@pytest.mark.parametrize("name", ["rnn tanh", "rnn relu"])
def test_looking_at_activations_does_not_change_how_they_are_computed(name):
    model, calls = ALL[name](SHAPE, hidden=HIDDEN), []
    for module in [*activation_modules(model), *(stage.module for stage in model.stages())]:
        module.register_forward_hook(lambda module, _, __: calls.append(module))
    model(torch.randn(2, LENGTH, FEATURES))
    assert calls == [stage.module for stage in model.stages()]  # still fused


@pytest.mark.parametrize("activation", names_on_disk("activation"))
def test_an_rnn_takes_every_activation(activation):
    option = yaml.safe_load((config_dir() / "activation" / f"{activation}.yaml").read_text())
    model = RNN(SHAPE, Parts(partial(make, option), NoNormalizer()), hidden=HIDDEN)
    inputs = torch.randn(4, LENGTH, FEATURES)
    outputs, (seen,) = model.unrolled(inputs)
    torch.testing.assert_close(model(inputs), outputs)
    expected = make(option)(model.layers[0].directions[0].input_to_hidden(inputs[:, 0]) + hidden_bias(model))
    torch.testing.assert_close(seen.states[0], expected)
    for parameter, gradient in gradients(model, some_loss(outputs)).items():
        assert torch.isfinite(gradient).all(), parameter


def hidden_bias(model):
    return model.layers[0].directions[0].hidden_to_hidden.bias


@pytest.mark.parametrize("architecture", ["rnn", "irnn", "lstm", "gru"])
def test_the_keys_of_the_file_are_those_of_the_class(architecture):
    option = yaml.safe_load((config_dir() / "architecture" / f"{architecture}.yaml").read_text())
    model = make(option, sequence=SHAPE, parts=TANH)
    defaults = {
        key: parameter.default
        for key, parameter in inspect.signature(type(model)).parameters.items()
        if key not in ("sequence", "parts")
    }
    assert {key: value for key, value in option.items() if key != "_target_"} == defaults


# --- the start ---


@pytest.mark.parametrize("name", FUSED)
def test_pytorch_default_is_the_default_of_torchs_recurrent_modules(name):
    # U(+-1/sqrt(hidden)): deviation 1/sqrt(3 hidden); nn.Linear would have 1/sqrt(3 * 2) in W_x.
    model, hidden = FUSED[name][0](SequenceShape(4, 2, 1), hidden=200), 200
    NormalWeights().initialize(model, nn.ReLU, torch.empty(0))
    PytorchDefault().initialize(model, nn.ReLU, torch.empty(0))
    for linear in (module for module in model.modules() if isinstance(module, GateLinear)):
        for parameter in (linear.weight, linear.bias):
            assert parameter.abs().max() <= 1 / math.sqrt(hidden)
            assert parameter.std().item() == pytest.approx(1 / math.sqrt(3 * hidden), rel=0.15)


def test_orthogonal_and_identity_are_so_within_each_gate():
    model = LSTM(SHAPE, RELU, hidden=HIDDEN)
    weight = model.layers[0].directions[0].hidden_to_hidden.weight
    Orthogonal().initialize(model, nn.ReLU, torch.empty(0))
    for gate in weight.chunk(4):
        torch.testing.assert_close(gate @ gate.T, torch.eye(HIDDEN), atol=1e-6, rtol=0)
    IdentityWeights().initialize(model, nn.ReLU, torch.empty(0))
    torch.testing.assert_close(weight, torch.eye(HIDDEN).repeat(4, 1), atol=0, rtol=0)


def test_a_gates_fan_out_is_one_gates():
    model = GRU(SHAPE, RELU, hidden=200)
    VarianceScaling(fan="out").initialize(model, nn.ReLU, torch.empty(0))
    weight = model.layers[0].directions[0].hidden_to_hidden.weight
    assert weight.std().item() == pytest.approx(1 / math.sqrt(200), rel=0.02)


def test_lsuv_says_that_a_state_of_zero_cannot_be_scaled():
    with pytest.raises(ConfigError, match=r"initializer=lsuv: the output of layers\.0\.cells\.0\.hidden_to_hidden"):
        LSUV().initialize(RNN(SHAPE, TANH, hidden=HIDDEN), nn.Tanh, torch.randn(8, LENGTH, FEATURES))


def test_an_irnn_starts_by_keeping_its_state():
    model = IRNN(SHAPE, RELU, hidden=HIDDEN)
    NormalWeights(std=0.3, bias_std=1.0).initialize(model, nn.ReLU, torch.empty(0))
    model.finish_initialization()
    (cell,) = model.layers[0].directions
    h = torch.rand(2, HIDDEN)
    nothing = cell.input_to_hidden(torch.zeros(2, FEATURES))
    for _ in range(50):
        (h_after,) = cell.step(nothing, (h,))
        assert torch.equal(h_after, h)
    assert cell.input_to_hidden.weight.std().item() == pytest.approx(0.3, rel=0.5)


def test_an_irnn_with_scale_forgets_by_it():
    model = IRNN(SHAPE, RELU, hidden=HIDDEN, layers=2, bidirectional=True, scale=0.01)
    model.finish_initialization()
    for layer in model.layers:
        for cell in layer.directions:
            torch.testing.assert_close(cell.hidden_to_hidden.weight, 0.01 * torch.eye(HIDDEN))


# --- the constant error carousel ---


def with_zero_weights(model):
    """Only biases left: the gates are then the same at every step."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.zero_()
    return model.double()


def cell_gradient(model, lag, length=LENGTH):
    """dc_T/dc_(T - lag) of each unit, through c alone or through h as well."""
    _, (seen,) = model.unrolled(torch.randn(1, length, FEATURES, dtype=torch.float64))
    (gradient,) = torch.autograd.grad(seen.cells[-1].sum(), [seen.cells[-1 - lag]])
    return gradient[0]


def test_without_forget_gate_the_carousel_keeps_everything():
    model = LSTM(SHAPE, RELU, hidden=HIDDEN, forget_gate=False).double()
    with torch.no_grad():
        model.layers[0].directions[0].hidden_to_hidden.weight.zero_()
    assert torch.equal(cell_gradient(model, 6), torch.ones(HIDDEN, dtype=torch.float64))


def test_without_forget_gate_the_cell_adds_up_what_it_writes():
    model = LSTM(SHAPE, RELU, hidden=HIDDEN, forget_gate=False).double()
    inputs = torch.randn(1, LENGTH, FEATURES, dtype=torch.float64)
    _, (seen,) = model.unrolled(inputs)
    cell = model.layers[0].directions[0]
    before = [torch.zeros_like(seen.states[0]), *seen.states[:-1]]
    written = 0.0
    for t, h in enumerate(before):
        i, g, _ = (cell.input_to_hidden(inputs[:, t]) + cell.hidden_to_hidden(h)).chunk(3, dim=-1)
        written = written + i.sigmoid() * g.tanh()
        torch.testing.assert_close(seen.cells[t], written)


@pytest.mark.parametrize("bias", [-1.0, 0.0, 1.0, 3.0])
def test_a_forget_gate_keeps_its_sigmoid_at_each_step(bias):
    model = LSTM(SHAPE, RELU, hidden=HIDDEN, forget_bias=bias)
    PytorchDefault().initialize(model, nn.ReLU, torch.empty(0))
    model.finish_initialization()
    expected = torch.full((HIDDEN,), 1 / (1 + math.exp(-bias)) ** 6, dtype=torch.float64)
    torch.testing.assert_close(cell_gradient(with_zero_weights(model), 6), expected, rtol=1e-6, atol=0)


def test_a_gru_with_zero_weights_and_biases_keeps_half():
    # z = 1/2, and n does not depend on h: .5^T on the direct path.
    model = with_zero_weights(GRU(SHAPE, RELU, hidden=HIDDEN))
    with torch.no_grad():
        for linear in model.layers[0].directions[0].children():
            if isinstance(linear, GateLinear):
                linear.bias.zero_()
    _, (seen,) = model.unrolled(torch.randn(1, LENGTH, FEATURES, dtype=torch.float64))
    (gradient,) = torch.autograd.grad(seen.states[-1].sum(), [seen.states[0]])
    torch.testing.assert_close(gradient, torch.full_like(gradient, 0.5**6))


def chrono_model(longest, hidden=HIDDEN):
    model = LSTM(SHAPE, RELU, hidden=hidden, chrono=longest)
    NormalWeights(bias_std=5.0).initialize(model, nn.ReLU, torch.empty(0))
    model.finish_initialization()
    return model


def test_chrono_biases_are_the_log_of_uniform_times():
    (cell,) = chrono_model(200, hidden=400).layers[0].directions
    i, f, _, _ = (cell.input_to_hidden.bias + cell.hidden_to_hidden.bias).chunk(4)
    torch.testing.assert_close(i, -f, rtol=0, atol=0)
    times = f.exp()
    assert times.min() >= 1 - 1e-5
    assert times.max() <= 199 + 1e-3
    assert times.mean().item() == pytest.approx(100, rel=0.1)  # of U(1, 199): deviation 57 / sqrt(400) = 2.9
    assert times.std().item() == pytest.approx(198 / math.sqrt(12), rel=0.1)


def test_the_mean_cell_gradient_of_chrono_at_its_longest_time():
    # E[(u / (1 + u))^T], u ~ U(1, T - 1): .1485 for T -> infinity, integral of exp(-1/s) over s in (0, 1).
    limit, _ = quad(lambda s: math.exp(-1 / s), 0, 1)
    assert limit == pytest.approx(0.1485, abs=5e-5)
    exact, _ = quad(lambda u: (u / (1 + u)) ** 200 / 198, 1, 199)
    model = with_zero_weights(chrono_model(200, hidden=500))
    gradient = cell_gradient(model, 200, length=201)
    error = gradient.std() / math.sqrt(500)
    assert exact == pytest.approx(0.1485, rel=0.02)
    assert gradient.mean().item() == pytest.approx(exact, abs=4 * error.item())


# --- normalizers ---


def test_a_normalized_rnn_ignores_the_size_of_its_sums():
    model = RNN(SHAPE, Parts(nn.Tanh, LayerNormalizer(eps=0.0)), hidden=HIDDEN).double()
    inputs = torch.randn(2, LENGTH, FEATURES, dtype=torch.float64)
    before = model(inputs)
    with torch.no_grad():  # W_x x and W_h h together 3 times as large (Ba et al. 2016, section 5.1)
        for linear in model.layers[0].directions[0].children():
            if isinstance(linear, GateLinear):
                linear.weight *= 3
    torch.testing.assert_close(model(inputs), before)


def test_a_normalized_lstm_is_ba_et_al_s():
    model = LSTM(SHAPE, Parts(nn.ReLU, LayerNormalizer()), hidden=HIDDEN).double()
    (cell,) = model.layers[0].directions
    x, h, c = (torch.randn(2, size, dtype=torch.float64) for size in (FEATURES, HIDDEN, HIDDEN))
    normalized = [
        nn.functional.layer_norm(inputs @ linear.weight.T, (4 * HIDDEN,))
        for inputs, linear in ((x, cell.input_to_hidden), (h, cell.hidden_to_hidden))
    ]
    i, f, g, o = (sum(normalized) + cell.input_to_hidden.bias + cell.hidden_to_hidden.bias).chunk(4, dim=-1)
    c_after = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h_after = o.sigmoid() * nn.functional.layer_norm(c_after, (HIDDEN,)).tanh()
    for ours, expected in zip(cell.step(cell.input_to_hidden(x), (h, c)), (h_after, c_after), strict=True):
        torch.testing.assert_close(ours, expected)


def test_a_normalized_gru_normalizes_gates_and_candidate_apart():
    model = GRU(SHAPE, Parts(nn.ReLU, LayerNormalizer()), hidden=HIDDEN).double()
    (cell,) = model.layers[0].directions
    with torch.no_grad():
        cell.hidden_to_hidden.bias.zero_()
    sums = cell.hidden_to_hidden(torch.randn(4, HIDDEN, dtype=torch.float64))
    for part in sums.split([2 * HIDDEN, HIDDEN], dim=-1):
        torch.testing.assert_close(part.mean(-1), torch.zeros(4, dtype=torch.float64), atol=1e-12, rtol=0)
        torch.testing.assert_close(part.var(-1, correction=0), torch.ones(4, dtype=torch.float64), atol=1e-2, rtol=0)


@pytest.mark.parametrize(
    ("normalizer", "message"),
    [
        (BatchNormalizer(), "normalizer=batch: time steps would share their statistics"),
        (InstanceNormalizer(), "normalizer=instance: a time step has no positions"),
        (GroupNormalizer(groups=2), "normalizer=group: no recurrent cell is known with it"),
        (LayerNormalizer(placement="after"), "normalizer.placement=after: .*: use before"),
        (NoNormalizer(weight_standardization=True), "normalizer.weight_standardization=true .*: set it to false"),
    ],
)
@pytest.mark.parametrize("architecture", [RNN, IRNN, LSTM, GRU])
def test_what_makes_no_sense_inside_a_cell_is_refused(architecture, normalizer, message):
    with pytest.raises(ConfigError, match=message):
        architecture(SHAPE, Parts(nn.Tanh, normalizer))


@pytest.mark.parametrize(
    ("architecture", "keys", "message"),
    [
        (RNN, {"hidden": 0}, r"architecture\.hidden=0: must be 1 or more"),
        (GRU, {"layers": 0}, r"architecture\.layers=0: must be 1 or more"),
        (LSTM, {"layers": 2, "dropout": 1.0}, r"architecture\.dropout=1\.0: a probability of 0 or more and below 1"),
        (RNN, {"dropout": 0.2}, r"architecture\.dropout=0\.2 acts between layers, .* use architecture\.layers=2"),
        (IRNN, {"scale": 0.0}, r"architecture\.scale=0\.0: must be above 0"),
        (LSTM, {"chrono": 2}, r"architecture\.chrono=2: .* must be 3 steps or more"),
        (LSTM, {"chrono": 9, "forget_bias": 1.0}, r"architecture\.forget_bias=1\.0 and architecture\.chrono=9 set the"),
        (LSTM, {"chrono": 9, "forget_gate": False}, r"architecture\.chrono=9: there is no forget gate"),
        (LSTM, {"forget_bias": 1.0, "forget_gate": False}, r"architecture\.forget_bias=1\.0: there is no forget gate"),
        (LSTM, {"candidate": "relu"}, r"architecture\.candidate=relu: use tanh or activation"),
        (GRU, {"candidate": "relu"}, r"architecture\.candidate=relu: use tanh or activation"),
    ],
)
def test_an_impossible_key_is_named_with_what_to_write_instead(architecture, keys, message):
    with pytest.raises(ConfigError, match=message):
        architecture(SHAPE, TANH, **keys)


def test_the_fused_kernel_is_used_where_there_is_one():
    fused = {name for name, build in ALL.items() if build(SHAPE, hidden=HIDDEN).layers[0].directions[0].kernel}
    assert fused == set(FUSED)
    calls = []
    layer = RecurrentLayer([LSTMCell(FEATURES, HIDDEN, RELU, True, "tanh")], 0.0)
    layer.cells[0].step = lambda *_: calls.append(1)  # would fail: the kernel needs no step
    layer(torch.randn(2, LENGTH, FEATURES))
    assert not calls


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("name", ["rnn", "irnn", "lstm", "gru"])
def test_cudnn_and_the_transparent_cell_are_equal_on_a_gpu(name, bidirectional):
    option = yaml.safe_load((config_dir() / "architecture" / f"{name}.yaml").read_text())
    keys = {**option, "hidden": 16, "layers": 2, "bidirectional": bidirectional}
    torch.manual_seed(0)
    model = make(keys, sequence=SequenceShape(9, 3, 4), parts=Parts(nn.Tanh, NoNormalizer()))
    model.finish_initialization()
    for moved in (model.cuda(), model.double()):
        inputs = torch.randn(5, 9, 3, device="cuda", dtype=next(moved.parameters()).dtype)
        fused, (transparent, _) = moved(inputs), moved.unrolled(inputs)
        tolerance = {"rtol": 1e-4, "atol": 1e-5}
        torch.testing.assert_close(fused, transparent, **tolerance)
        both = [torch.autograd.grad(out.square().sum(), list(moved.parameters())) for out in (fused, transparent)]
        for one, other in zip(*both, strict=True):
            torch.testing.assert_close(one, other, **tolerance)
