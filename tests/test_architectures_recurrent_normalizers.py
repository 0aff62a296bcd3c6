"""Normalizers inside RNN, IRNN, LSTM and GRU, and the keys that those refuse."""

import pytest
import torch
from torch import nn

from tests.recurrent_networks import FEATURES, HIDDEN, LENGTH, SHAPE, TANH
from vgp_bench.architectures.gru import GRU
from vgp_bench.architectures.irnn import IRNN
from vgp_bench.architectures.lstm import LSTM
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.rnn import RNN
from vgp_bench.components.gates import GateLinear
from vgp_bench.components.normalizers import (
    BatchNormalizer,
    GroupNormalizer,
    InstanceNormalizer,
    LayerNormalizer,
    NoNormalizer,
)
from vgp_bench.errors import ConfigError


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
