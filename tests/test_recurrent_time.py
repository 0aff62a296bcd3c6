"""The gradient by time lag of freshly made recurrent networks, against an independent simulation's figures.

||dL/dh_(T - lag)|| relative to lag 0, T = 200, 128 units, torch's default initialization, random sequences, a loss at
the last step; the geometric mean over seeds. The figures come without the number of input features and without the
state they are of. Here: one normal feature a step, and c_t where there is a cell. Measured at lag 100 besides:

| features | RNN, h (7e-24) | LSTM, c (4e-20) | forget_bias=1, c (3e-7) | chrono, c (.41) |
|---|---|---|---|---|
| 1 | 8.8e-24 | 2.0e-20 | 2.6e-7 | .41 |
| 2 | 2.8e-23 | 2.6e-20 | 3.0e-7 | .38 |
| 10 | 6.9e-25 | 8.2e-21 | 1.4e-7 | .39 |
| 128 | 8.6e-35 | 2.5e-22 | 8.9e-10 | .35 |

More inputs saturate the units, and the figures no longer hold. An LSTM's h_t, which reaches later steps through W_h
only, gives 4e-21 and 4e-8 without chrono (within ten, too), but .001 in place of .41 with it.
"""

import math

import pytest
import torch
from torch import nn

from vgp_bench.architectures.lstm import LSTM
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.rnn import RNN
from vgp_bench.components.initializers import PytorchDefault
from vgp_bench.components.normalizers import NoNormalizer
from vgp_bench.data.sequences import SequenceShape

LENGTH, HIDDEN, LAG, SEEDS = 200, 128, 100, range(4)
PARTS = Parts(nn.Tanh, NoNormalizer())


def norms(architecture, seed, dtype=torch.float64, **keys):
    """||dL/dh_t|| and ||dL/dc_t|| by lag, over a batch of 16; the latter empty where there is no cell."""
    torch.manual_seed(seed)
    model = architecture(SequenceShape(LENGTH, 1, 10), PARTS, hidden=HIDDEN, **keys)
    PytorchDefault().initialize(model, nn.Tanh, torch.empty(0))
    model.finish_initialization()
    outputs, (seen,) = model.to(dtype).unrolled(torch.randn(16, LENGTH, 1).to(dtype))
    loss = nn.functional.cross_entropy(outputs, torch.randint(10, (16,)))
    gradients = torch.autograd.grad(loss, [*seen.states, *seen.cells])
    lengths = [gradient.norm().item() for gradient in gradients]
    return lengths[:LENGTH][::-1], lengths[LENGTH:][::-1]


def geometric_mean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values))


@pytest.mark.parametrize(
    ("architecture", "keys", "expected"),
    [
        (RNN, {}, 7e-24),
        (LSTM, {}, 4e-20),
        (LSTM, {"forget_bias": 1.0}, 3e-7),
        (LSTM, {"chrono": LENGTH}, 0.41),
    ],
)
def test_the_gradient_by_lag_is_that_of_the_facts(architecture, keys, expected):
    ratios = []
    for seed in SEEDS:
        of_h, of_c = norms(architecture, seed, **keys)
        carrier = of_c or of_h
        ratios.append(carrier[LAG] / carrier[0])
    assert expected / 10 < geometric_mean(ratios) < expected * 10


def test_the_hidden_state_of_an_lstm_does_not_carry_what_its_cell_does():
    of_h, of_c = norms(LSTM, 0, chrono=LENGTH)
    assert of_c[LAG] / of_c[0] > 0.3
    assert of_h[LAG] / of_h[0] < 0.41 / 10


def test_a_tanh_rnn_loses_the_same_share_at_every_step():
    # At most the spectral radius a step, 1/sqrt(3) = .577 (Girko's law) and its excess at finite size.
    of_h, _ = norms(RNN, 0)
    first, second = ((of_h[lag + 50] / of_h[lag]) ** (1 / 50) for lag in (50, 100))
    assert 0.5 < first < 0.65
    assert 0.5 < second < 0.65


def test_float64_sees_what_float32_calls_zero():
    # .58^199 is 1e-47; float32 ends at 1.4e-45.
    assert norms(RNN, 0, torch.float32)[0][-1] == 0
    assert norms(RNN, 0, torch.float64)[0][-1] > 0


def test_an_lstm_without_remedy_forgets_almost_as_fast_as_an_rnn():
    # .644 a step in the facts; the forget gates alone, sigmoid(0) = .5, would be faster still.
    _, of_c = norms(LSTM, 0)
    assert (of_c[150] / of_c[50]) ** (1 / 100) == pytest.approx(0.644, abs=0.03)
