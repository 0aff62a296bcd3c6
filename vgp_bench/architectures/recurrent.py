"""What every recurrent network promises: the depth axis of an Architecture, and a time axis to measure along."""

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from vgp_bench.architectures.stages import Architecture

Direction = Literal["forward", "backward"]


@dataclass(frozen=True)
class HiddenStates:
    """The states of one layer and direction by time, t = 1..length: states[t - 1] is h_t, (n, hidden).

    Direction backward reads the sequence from its end: its h_t comes from h_(t+1). cells: c_t of an LSTM in the same
    order, else empty.
    """

    layer: str
    direction: Direction
    states: list[Tensor]
    cells: list[Tensor] = field(default_factory=list)


class Recurrent(Architecture):
    """An architecture with a time axis. forward: (n, length, features) -> (n, outputs) or (n, length, outputs).

    Its stages are its layers, whose outputs are (n, length, directions * hidden); depth counts layers, not time steps.
    """

    @abstractmethod
    def unrolled(self, inputs: Tensor) -> tuple[Tensor, list[HiddenStates]]:
        """The outputs of forward, computed step by step, and the states on the way, layer by layer.

        Every state is part of the graph: torch.autograd.grad(loss, h_t) is the total derivative dL/dh_t, through all
        later steps and layers. After model.double(), with float64 inputs, it is one that does not underflow.
        Equal to forward for the same random state, which matters only where dropout draws from it.
        """
