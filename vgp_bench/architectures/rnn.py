"""Vanilla recurrent network (Elman 1990), with any activation."""

from torch import Tensor, nn

from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.recurrent_kernel import RNN_RELU, RNN_TANH, FusedKernel
from vgp_bench.architectures.recurrent_layer import Cell, State
from vgp_bench.architectures.recurrent_stack import RecurrentStack, check_cell
from vgp_bench.components.gates import GateLinear
from vgp_bench.data.sequences import SequenceShape


class RNNCell(Cell):
    """h_t = phi(W_x x_t + b_x + W_h h_(t-1) + b_h), as torch has it.

    With a normalizer h_t = phi(N(W_x x_t + W_h h_(t-1))) (Ba et al. 2016, equation 4); the biases stay where N has no
    shift. Tanh and ReLU without normalizer run fused; the activation module then does not run: what it does is seen on
    the probe set only, where the layer is unfused().
    """

    def __init__(self, features: int, hidden: int, parts: Parts) -> None:
        bias = not parts.normalizer.has_shift
        super().__init__(GateLinear(features, hidden, 1, bias), GateLinear(hidden, hidden, 1, bias))
        self.nonlinearity = nn.Sequential(*parts.nonlinearity(hidden, spatial=False))

    @property
    def kernel(self) -> FusedKernel | None:
        if len(self.nonlinearity) > 1:
            return None
        return {nn.Tanh: RNN_TANH, nn.ReLU: RNN_RELU}.get(type(self.nonlinearity[0]))

    def step(self, from_input: Tensor, state: State) -> State:
        return (self.nonlinearity(from_input + self.hidden_to_hidden(state[0])),)


class RNN(RecurrentStack):
    """layers vanilla recurrent layers of hidden units and a linear classifier: layers + 1 weight layers in depth."""

    def __init__(
        self,
        sequence: SequenceShape,
        parts: Parts,
        hidden: int = 128,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
    ) -> None:
        check_cell(parts, hidden, layers)
        super().__init__(
            sequence, lambda features: RNNCell(features, hidden, parts), hidden, layers, bidirectional, dropout
        )
