"""Shows the taps what passes through a foreign network while it is measured."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from vgp_bench.components.activations import is_activation
from vgp_bench.live.calls import Call, Seen
from vgp_bench.live.taps import TappedStage
from vgp_bench.live.tensors import first_tensor, tensors_in

Place = tuple[TappedStage, int]
"""A stage, and which module of its chain comes next."""


class Route:
    """Knows at which call which stage's h_l and which activation's z are to be seen.

    An activation module may serve many stages, as `self.act` often does: it belongs to the stage whose output it takes.
    """

    def __init__(self, stages: Sequence[TappedStage]) -> None:
        self.layers = {tapped.found.module: tapped for tapped in stages if not tapped.found.is_block}
        self.blocks = {tapped.found.module: tapped for tapped in stages if tapped.found.is_block}
        self.followers = {module for tapped in stages for module in tapped.found.chain}
        inner = {module for tapped in stages for module in (*tapped.found.inner, *tapped.functions)}
        self.modules = {*self.layers, *self.blocks, *self.followers, *inner}
        self._running: list[nn.Module] = []  # blocks
        self._next: dict[int, tuple[Seen, Place]] = {}
        self._taken: dict[nn.Module, tuple[Place | None, Tensor | None]] = {}

    def register(self) -> list[RemovableHandle]:
        """Hooks on the modules that matter."""
        self.clear()
        handles: list[RemovableHandle] = []
        for module in self.modules:
            handles.append(module.register_forward_pre_hook(self._before, with_kwargs=True))
            handles.append(module.register_forward_hook(self._after))
        return handles

    def clear(self) -> None:
        """Forget what was under way."""
        self._running.clear()
        self._next.clear()
        self._taken.clear()

    def replay(self, calls: Sequence[Call]) -> None:
        """Show what a forward pass held that is over. What was written into since is left out by the taps."""
        for call in calls:
            if call.module in self.modules and call.given is not None:
                self._running = [module for module in call.inside if module in self.blocks]
                self._taken[call.module] = (None, None) if call.taken is None else self._as_taken(call, call.taken)
                self.leave(call.module, call.given, call.value)
        self.clear()

    def _as_taken(self, call: Call, taken: Seen) -> tuple[Place | None, Tensor | None]:
        # A ReLU has the same zeros and slopes for z and, where it was written in place, for max(0, z).
        z = taken.tensor if taken.untouched or type(call.module) is nn.ReLU else None
        return self._place(call.module, taken), z

    def _before(self, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        if not torch.is_grad_enabled():
            return
        tensor = first_tensor(args, kwargs)
        place = None if tensor is None else self._place(module, Seen.now(tensor))
        if is_activation(module) and tensor is not None:
            tensor = tensor.detach().clone() if getattr(module, "inplace", False) else tensor.detach()
        self._taken[module] = (place, tensor)
        if module in self.blocks:
            self._running.append(module)

    def _after(self, module: nn.Module, args: tuple[Any, ...], value: Any) -> None:
        given = first_tensor(value)
        if not torch.is_grad_enabled() or given is None:
            return
        if module in self.blocks:
            while self._running and self._running.pop() is not module:
                pass  # a call that was broken off
        self.leave(module, Seen.now(given), value)

    def _place(self, module: nn.Module, taken: Seen) -> Place | None:
        """Whose output this module takes, if it is the next of that stage's chain."""
        given, place = self._next.get(id(taken.tensor), (None, None))
        if place is None or not taken.same(given):
            return None
        tapped, position = place
        return place if tapped.found.chain[position] is module else None

    def leave(self, module: nn.Module, given: Seen, value: Any) -> None:
        """A module gave this."""
        place, z = self._taken.pop(module, (None, None))
        if module in self.layers:
            self._pass_on(self.layers[module], 0, module, given, value)
        elif module in self.blocks:
            self.blocks[module].show(given)
        elif place is not None:
            tapped, position = place
            if module in tapped.twins and z is not None:
                tapped.show_activation(module, z)
            self._pass_on(tapped, position + 1, module, given, value)
        elif self._running:
            block = self.blocks[self._running[-1]]
            if module in block.twins and z is not None:
                block.show_activation(module, z)
            block.show_function(module, given)

    def _pass_on(self, tapped: TappedStage, position: int, module: nn.Module, given: Seen, value: Any) -> None:
        """The next of the chain gets it, or it is h_l."""
        if position < len(tapped.found.chain):
            self._next[id(given.tensor)] = (given, (tapped, position))
            return
        tapped.show(given)
        tapped.show_function(module, given)
        if isinstance(module, nn.RNNBase):
            # Who reads the last state alone leaves the outputs without a gradient. It is (layers, batch, features).
            tapped.show(Seen.now(list(tensors_in(value))[1]), sample_dimension=1)
