"""Help for tests of recurrent networks: every kind of cell, fused by torch and not, on short sequences."""

from functools import partial

import torch
from torch import nn

from vgp_bench.architectures.gru import GRU
from vgp_bench.architectures.irnn import IRNN
from vgp_bench.architectures.lstm import LSTM
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.rnn import RNN
from vgp_bench.components.normalizers import (
    LayerNormalizer,
    NoNormalizer,
    RMSNormalizer,
)
from vgp_bench.data.sequences import SequenceShape

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


def gradients(model, loss):
    return dict(zip(dict(model.named_parameters()), torch.autograd.grad(loss, list(model.parameters())), strict=True))


def some_loss(outputs):
    return (outputs * torch.arange(outputs.numel(), dtype=outputs.dtype).view_as(outputs).cos()).sum()
