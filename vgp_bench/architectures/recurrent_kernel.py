"""torch's fused recurrent kernels (cuDNN on CUDA): all time steps of a layer in one call."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.backends.cudnn import rnn as cudnn_rnn


@dataclass(frozen=True)
class FusedKernel:
    """function: torch.lstm or a relative. mode: cuDNN's name for it. has_cell: whether there is a c_t beside h_t."""

    function: Callable[..., Any]
    mode: str
    has_cell: bool = False

    def __call__(self, inputs: Tensor, weights: list[Tensor], hidden: int) -> Tensor:
        """(n, length, features) -> (n, length, directions * hidden), all states 0 at first.

        weights: for each direction W_input, W_hidden, b_input, b_hidden.
        """
        directions = len(weights) // 4
        zeros = inputs.new_zeros(directions, len(inputs), hidden)
        start = (zeros, zeros) if self.has_cell else zeros
        # train: not the mode of the model, but whether a backward pass may follow, which cuDNN must prepare for.
        train = torch.is_grad_enabled()
        outputs: Tensor = self.function(inputs, start, weights, True, 1, 0.0, train, directions == 2, True)[0]
        return outputs

    def lay_out(self, weights: list[Tensor], hidden: int) -> None:
        """Move the weights, in place, into the one piece of memory that cuDNN wants; else it copies them at each call,
        with a warning."""
        of_cudnn = all(weight.is_cuda and torch.backends.cudnn.is_acceptable(weight) for weight in weights)
        if not of_cudnn or not torch._use_cudnn_rnn_flatten_weight():
            return
        directions, features, mode = len(weights) // 4, weights[0].shape[1], cudnn_rnn.get_cudnn_mode(self.mode)
        with torch.cuda.device_of(weights[0]), torch.no_grad():
            torch._cudnn_rnn_flatten_weight(weights, 4, features, mode, hidden, 0, 1, True, directions == 2)


RNN_TANH = FusedKernel(torch.rnn_tanh, "RNN_TANH")
RNN_RELU = FusedKernel(torch.rnn_relu, "RNN_RELU")
LSTM = FusedKernel(torch.lstm, "LSTM", has_cell=True)
GRU = FusedKernel(torch.gru, "GRU")
