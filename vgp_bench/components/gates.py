"""Affine maps of recurrent cells: the matrices of all gates stacked in one weight, as torch's own cells store them."""

import math

from torch import Tensor, nn
from torch.nn import functional as F


class GateLinear(nn.Linear):
    """N(W x) + b: (n, ..., features) -> (n, ..., gates * hidden). N is a normalizer layer, or the identity.

    W stacks one (hidden, features) matrix for each gate. Initializers draw each of them as a layer of its own, so that
    an orthogonal or identity weight is so within a gate and a fan-out is that of one gate.
    """

    def __init__(
        self, features: int, hidden: int, gates: int, bias: bool = True, normalizer: nn.Module | None = None
    ) -> None:
        self.gates = gates  # first of all: nn.Linear draws the weights when it is made
        super().__init__(features, gates * hidden, bias)
        self.normalizer = nn.Identity() if normalizer is None else normalizer

    def reset_parameters(self) -> None:
        """What torch's RNN, LSTM and GRU start from: weights and biases uniform within +-1/sqrt(hidden), those of the
        input too; nn.Linear would take 1/sqrt(features)."""
        bound = 1 / math.sqrt(self.out_features // self.gates)
        nn.init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        if isinstance(self.normalizer, nn.Identity):
            return F.linear(input, self.weight, self.bias)
        output: Tensor = self.normalizer(F.linear(input, self.weight))
        return output if self.bias is None else output + self.bias
