"""One forward pass as the list of its modules' calls: from it the depth axis of a foreign network is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from vgp_bench.live.kinds import is_part_of_a_weight
from vgp_bench.live.refusals import refuse_if_compiled
from vgp_bench.live.tensors import first_tensor, tensors_in

Node = Any
"""A node of the autograd graph, what Tensor.grad_fn gives."""


@dataclass(frozen=True)
class Seen:
    """A tensor as it was at one moment: something may write into it later."""

    tensor: Tensor
    version: int
    node: Node | None

    @staticmethod
    def now(tensor: Tensor) -> "Seen":
        return Seen(tensor, tensor._version, tensor.grad_fn)

    def same(self, other: "Seen | None") -> bool:
        """Whether the other is the same tensor with the same values."""
        return other is not None and self.tensor is other.tensor and self.version == other.version

    @property
    def untouched(self) -> bool:
        """Whether its values are still those."""
        return self.tensor._version == self.version


@dataclass(frozen=True)
class Call:
    """One call of a module: its first tensor argument, its first tensor, the graph nodes of all it returned.

    inside: the modules whose calls were under way, the outermost first.
    """

    module: nn.Module
    taken: Seen | None
    given: Seen | None
    nodes: tuple[Node, ...]
    value: Any
    inside: tuple[nn.Module, ...]


class CallTrace:
    """Hooks on every module until stop(): calls that build a graph, in the order in which they end.

    done: called when a call of the whole model has ended. Calls without gradient (a validation) do not count.
    """

    def __init__(self, model: nn.Module, done: Callable[[], None]) -> None:
        self.model, self.done = model, done
        self.calls: list[Call] = []
        self._running: list[tuple[nn.Module, Seen | None]] = []
        self._handles: list[RemovableHandle] = []
        hidden = {inner for m in model.modules() if is_part_of_a_weight(m) for inner in m.modules()}
        for module in model.modules():
            if module not in hidden:
                self._handles.append(module.register_forward_pre_hook(self._enter, with_kwargs=True))
                self._handles.append(module.register_forward_hook(self._leave))

    def _enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        if not self._running:
            refuse_if_compiled()
        if module is self.model:
            self._running.clear()  # an earlier call may have been broken off
        if torch.is_grad_enabled():
            tensor = first_tensor(args, kwargs)
            self._running.append((module, None if tensor is None else Seen.now(tensor)))

    def _leave(self, module: nn.Module, args: tuple[Any, ...], value: Any) -> None:
        if all(module is not running for running, _ in self._running):
            return
        while self._running[-1][0] is not module:
            self._running.pop()
        _, taken = self._running.pop()
        found = list(tensors_in(value))
        nodes = tuple(t.grad_fn for t in found if t.grad_fn is not None)
        given = Seen.now(found[0]) if found else None
        self.calls.append(Call(module, taken, given, nodes, value, tuple(m for m, _ in self._running)))
        if module is self.model:
            self.done()

    def stop(self) -> None:
        """Take the hooks away."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
