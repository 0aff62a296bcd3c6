"""RNN, IRNN, LSTM and GRU at their start: initializers, and the closed forms of what a state keeps."""

import math

import pytest
import torch
from scipy.integrate import quad
from torch import nn

from tests.recurrent_networks import FEATURES, FUSED, HIDDEN, LENGTH, RELU, SHAPE, TANH
from vgp_bench.architectures.gru import GRU
from vgp_bench.architectures.irnn import IRNN
from vgp_bench.architectures.lstm import LSTM
from vgp_bench.architectures.rnn import RNN
from vgp_bench.components.gates import GateLinear
from vgp_bench.components.initializers import NormalWeights, PytorchDefault, VarianceScaling
from vgp_bench.components.initializers_isometric import IdentityWeights, Orthogonal
from vgp_bench.components.initializers_lsuv import LSUV
from vgp_bench.data.sequences import SequenceShape
from vgp_bench.errors import ConfigError


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
