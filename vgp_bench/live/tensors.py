"""What a foreign module takes and returns: the tensor in it that carries the signal, and which dimension counts inputs.

A module may return a tensor, a tuple (nn.LSTM, nn.MultiheadAttention) or a mapping (Hugging Face's ModelOutput); the
signal is the first tensor of floating point in it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor
from torch.utils.hooks import RemovableHandle


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors of floating point in an argument or a result, in order."""
    if isinstance(value, Tensor):
        if value.is_floating_point():
            yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from tensors_in(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from tensors_in(inner)


def first_tensor(*values: Any) -> Tensor | None:
    """The first of them, None if there is none."""
    return next(tensors_in(values), None)


class SamplesFirst:
    """h_l as the statistics want it, inputs in dimension 0; so is its gradient. Stands in for the tensor itself.

    sample_dimension: where the inputs are counted, 1 in what is (time, batch, features).
    """

    def __init__(self, tensor: Tensor, sample_dimension: int) -> None:
        self._tensor = tensor
        self._dimension = sample_dimension
        self.requires_grad = tensor.requires_grad

    def numel(self) -> int:
        """How many values there are."""
        return self._tensor.numel()

    def detach(self) -> Tensor:
        """The values."""
        return self._tensor.detach().movedim(self._dimension, 0)

    def register_hook(self, look: Callable[[Tensor], None]) -> RemovableHandle:
        """Calls look with the gradient of the tensor, and leaves that as it is."""

        def shown(gradient: Tensor | None) -> None:
            if gradient is not None:  # of several results of a module, one that leads to no loss
                look(gradient.movedim(self._dimension, 0))

        handle: RemovableHandle = self._tensor.register_hook(shown)
        return handle
