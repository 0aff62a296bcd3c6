"""A recurrent layer: one cell, or one for each direction, over all time steps."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vgp_bench.architectures.recurrent import Direction, HiddenStates
from vgp_bench.architectures.recurrent_kernel import FusedKernel
from vgp_bench.components.activations import activation_modules
from vgp_bench.components.gates import GateLinear

State = tuple[Tensor, ...]
"""(h,) or, of an LSTM, (h, c); each (n, hidden)."""

_DIRECTIONS: tuple[Direction, Direction] = ("forward", "backward")


class Cell(nn.Module, ABC):
    """What happens between two time steps, in the open: the same arithmetic as the fused kernel, if there is one."""

    has_cell: ClassVar[bool] = False
    """Whether the state has a c beside h."""

    def __init__(self, input_to_hidden: GateLinear, hidden_to_hidden: GateLinear) -> None:
        super().__init__()
        self.hidden = hidden_to_hidden.in_features
        self.input_to_hidden = input_to_hidden
        self.hidden_to_hidden = hidden_to_hidden

    @property
    @abstractmethod
    def kernel(self) -> FusedKernel | None:
        """The fused kernel that computes just this cell; None where there is none."""

    @abstractmethod
    def step(self, from_input: Tensor, state: State) -> State:
        """The next state. from_input: input_to_hidden(x_t), (n, gates * hidden)."""

    def unroll(self, inputs: Tensor, direction: Direction) -> list[State]:
        """The state after each time step, in the order of time. inputs: (n, length, features)."""
        from_inputs = self.input_to_hidden(inputs).unbind(1)
        zeros = inputs.new_zeros(len(inputs), self.hidden)
        state: State = (zeros, zeros) if self.has_cell else (zeros,)
        states = []
        for from_input in from_inputs if direction == "forward" else reversed(from_inputs):
            state = self.step(from_input, state)
            states.append(state)
        return states if direction == "forward" else states[::-1]

    def fused_weights(self) -> list[Tensor]:
        """In the order of the fused kernels."""
        both = (self.input_to_hidden, self.hidden_to_hidden)
        return [*(linear.weight for linear in both), *(linear.bias for linear in both)]


CellFactory = Callable[[int], Cell]
"""features -> a new cell."""


class RecurrentLayer(nn.Module):
    """(n, length, features) -> (n, length, directions * hidden), forward states first; dropout on the inputs."""

    def __init__(self, cells: Sequence[Cell], dropout: float) -> None:
        super().__init__()
        # No nn.Dropout(0): on CUDA it would draw random numbers all the same.
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.cells = nn.ModuleList(cells)

    def forward(self, inputs: Tensor) -> Tensor:
        kernel = self.directions[0].kernel
        if kernel is None or self._is_watched:
            return self.unroll(inputs, "")[0]
        return kernel(self._drop(inputs), self._fused_weights(), self.directions[0].hidden)

    def unroll(self, inputs: Tensor, name: str) -> tuple[Tensor, list[HiddenStates]]:
        """What forward gives, by the transparent cells, and their states; name: the layer's."""
        inputs = self._drop(inputs)
        seen, outputs = [], []
        for cell, direction in zip(self.directions, _DIRECTIONS, strict=False):
            states = cell.unroll(inputs, direction)
            hidden = [state[0] for state in states]
            seen.append(HiddenStates(name, direction, hidden, [state[1] for state in states] if cell.has_cell else []))
            outputs.append(torch.stack(hidden, dim=1))
        return torch.cat(outputs, dim=-1), seen

    def _drop(self, inputs: Tensor) -> Tensor:
        if isinstance(self.dropout, nn.Identity):
            return inputs
        # The mask is drawn in the order of memory, and a fused kernel below orders its outputs by time first.
        dropped: Tensor = self.dropout(inputs.contiguous())
        return dropped

    @property
    def directions(self) -> list[Cell]:
        """The forward cell and, in a bidirectional layer, the backward one."""
        return [cell for cell in self.cells if isinstance(cell, Cell)]

    @property
    def _is_watched(self) -> bool:
        # Whoever hooks the affine maps, which a fused kernel would never call, wants to see the cell at work.
        maps = (linear for cell in self.directions for linear in (cell.input_to_hidden, cell.hidden_to_hidden))
        return any(linear._forward_hooks for linear in maps)

    def _fused_weights(self) -> list[Tensor]:
        return [weight for cell in self.directions for weight in cell.fused_weights()]

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> "RecurrentLayer":
        super()._apply(fn, recurse)  # to(device), double(), ...: the weights have moved
        if kernel := self.directions[0].kernel:
            kernel.lay_out(self._fused_weights(), self.directions[0].hidden)
        return self


@contextmanager
def unfused(model: nn.Module) -> Iterator[None]:
    """Let every recurrent layer of the model whose cell has activation modules run in the open, so that hooks on these
    see each time step. The numbers are the same up to rounding."""
    cells = [cell for cell in model.modules() if isinstance(cell, Cell) and activation_modules(cell)]
    handles = [cell.input_to_hidden.register_forward_hook(_look_on) for cell in cells]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _look_on(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    """A hook that does nothing but be there."""
