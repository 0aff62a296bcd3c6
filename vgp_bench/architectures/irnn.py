"""IRNN: a vanilla recurrent network that starts by keeping its state (Le, Jaitly & Hinton 2015)."""

import torch
from torch import nn

from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.rnn import RNN, RNNCell
from vgp_bench.data.sequences import SequenceShape
from vgp_bench.errors import ConfigError


class IRNN(RNN):
    """An RNN whose recurrent weights start at scale * identity and whose recurrent layers' biases start at 0.

    Section 3: with ReLU, the default activation of a run; any other is possible, and not the paper's. The initializer
    draws the remaining weights; for the paper's, Normal(0, .001^2): initializer=normal_01 initializer.std=0.001.
    """

    def __init__(
        self,
        sequence: SequenceShape,
        parts: Parts,
        hidden: int = 128,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        scale: float = 1.0,
    ) -> None:
        if scale <= 0:
            raise ConfigError(f"architecture.scale={scale}: must be above 0; Le et al. (2015) use 1 or 0.01")
        super().__init__(sequence, parts, hidden, layers, bidirectional, dropout)
        self.scale = scale

    def finish_initialization(self) -> None:
        with torch.no_grad():
            for cell in (module for module in self.modules() if isinstance(module, RNNCell)):
                nn.init.eye_(cell.hidden_to_hidden.weight).mul_(self.scale)
                for linear in (cell.input_to_hidden, cell.hidden_to_hidden):
                    if linear.bias is not None:
                        linear.bias.zero_()
