"""Long short-term memory (Hochreiter & Schmidhuber 1997), with the forget gate of Gers et al. (1999) or without."""

import torch
from torch import Tensor

from vgp_bench.architectures.candidate import Candidate, FixedTanh, squash
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.recurrent_kernel import LSTM as LSTM_KERNEL
from vgp_bench.architectures.recurrent_kernel import FusedKernel
from vgp_bench.architectures.recurrent_layer import Cell, State
from vgp_bench.architectures.recurrent_stack import RecurrentStack, check_cell
from vgp_bench.components.gates import GateLinear
from vgp_bench.data.sequences import SequenceShape
from vgp_bench.errors import ConfigError


class LSTMCell(Cell):
    """c_t = f c_(t-1) + i g, h_t = o tanh(c_t); gates i, f, g, o from W_x x_t + b_x + W_h h_(t-1) + b_h, in this order.

    i, f, o = sigmoid(.), g = tanh(.). forget_gate false: f = 1, the form of 1997 (with tanh where that paper has wider
    sigmoids, and with the whole gradient, which it truncates). With a normalizer the sums are
    N(W_x x_t) + N(W_h h_(t-1)) + b, each N over all gates at once, and h_t = o tanh(N(c_t)) (Ba et al. 2016,
    supplement). candidate: tanh, or activation for the run's in its place.
    """

    has_cell = True

    def __init__(self, features: int, hidden: int, parts: Parts, forget_gate: bool, candidate: Candidate) -> None:
        gates = 4 if forget_gate else 3
        norm_input, norm_hidden = (parts.normalizer.layer(gates * hidden, spatial=False) for _ in range(2))
        super().__init__(
            GateLinear(features, hidden, gates, normalizer=norm_input),
            GateLinear(hidden, hidden, gates, normalizer=norm_hidden),
        )
        self.forget_gate = forget_gate
        self.normalizes = parts.normalizer.normalizes
        self.squash_candidate = squash(candidate, parts)
        self.normalize_cell = parts.normalizer.layer(hidden, spatial=False)
        self.squash_cell = squash(candidate, parts)

    @property
    def kernel(self) -> FusedKernel | None:
        standard = self.forget_gate and not self.normalizes and isinstance(self.squash_cell, FixedTanh)
        return LSTM_KERNEL if standard else None

    def step(self, from_input: Tensor, state: State) -> State:
        h, c = state
        gates = (from_input + self.hidden_to_hidden(h)).split(self.hidden, dim=-1)
        write = torch.sigmoid(gates[0]) * self.squash_candidate(gates[-2])
        c = (torch.sigmoid(gates[1]) * c if self.forget_gate else c) + write
        return torch.sigmoid(gates[-1]) * self.squash_cell(self.normalize_cell(c)), c

    def set_bias(self, gate: int, bias: Tensor | float) -> None:
        """Set a gate's bias to b_x + b_h = bias; bias: a number or (hidden,)."""
        rows = slice(gate * self.hidden, (gate + 1) * self.hidden)
        with torch.no_grad():
            self.input_to_hidden.bias[rows] = bias
            self.hidden_to_hidden.bias[rows] = 0.0


class LSTM(RecurrentStack):
    """layers LSTM layers of hidden units and a linear classifier: layers + 1 weight layers in depth.

    The cells' tanh stays tanh whatever the run's activation is, unless candidate is `activation`; it then stands in
    both places. forget_bias: the forget gate's whole bias, b_x + b_h, at the start (Jozefowicz et al. 2015: 1).
    chrono: T_max, the longest time to remember in steps: b_f = log U(1, T_max - 1), b_i = -b_f (Tallec & Ollivier
    2018). Both are set after the initializer, whose draws stay in all other biases.
    """

    def __init__(
        self,
        sequence: SequenceShape,
        parts: Parts,
        hidden: int = 128,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        forget_gate: bool = True,
        forget_bias: float | None = None,
        chrono: int | None = None,
        candidate: Candidate = "tanh",
    ) -> None:
        check_cell(parts, hidden, layers)
        for key, value in (("forget_bias", forget_bias), ("chrono", chrono)):
            if value is not None and not forget_gate:
                raise ConfigError(
                    f"architecture.{key}={value}: there is no forget gate: use architecture.forget_gate=true, or "
                    f"architecture.{key}=null"
                )
        if forget_bias is not None and chrono is not None:
            raise ConfigError(
                f"architecture.forget_bias={forget_bias} and architecture.chrono={chrono} set the same bias: "
                "set one of them to null"
            )
        if chrono is not None and chrono < 3:
            raise ConfigError(f"architecture.chrono={chrono}: the longest time to remember must be 3 steps or more")
        super().__init__(
            sequence,
            lambda features: LSTMCell(features, hidden, parts, forget_gate, candidate),
            hidden,
            layers,
            bidirectional,
            dropout,
        )
        self.forget_bias = forget_bias
        self.chrono = chrono

    def finish_initialization(self) -> None:
        for cell in (module for module in self.modules() if isinstance(module, LSTMCell)):
            if self.forget_bias is not None:
                cell.set_bias(1, self.forget_bias)
            elif self.chrono is not None:
                times = torch.empty_like(cell.input_to_hidden.bias[: cell.hidden]).uniform_(1, self.chrono - 1)
                cell.set_bias(1, times.log())
                cell.set_bias(0, -times.log())
