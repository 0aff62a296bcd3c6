"""The gradient through time of a foreign recurrent layer: ||dL/dx_t||_2 at its input, for every time step.

torch's nn.RNN, nn.LSTM and nn.GRU do not show the states between; what reaches x_t has come through all of them after
t, and through the input weights, which are the same at every t. So its decay with the lag is that of dL/dh_t. Of a
stack of layers it is the way through all of them. The training's own precision: below 1e-45 it is 0. A bidirectional
layer has no one direction of time and a packed sequence no one length: they have no rows.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from vgp_bench.records.rows import TimeRow


class InputGradients:
    """A Watcher of the recurrent layers of a model, by name."""

    def __init__(self, model: nn.Module) -> None:
        self.layers = {
            name or type(module).__name__: module
            for name, module in model.named_modules()
            if isinstance(module, nn.RNNBase) and not module.bidirectional
        }
        self._norms: dict[str, list[Tensor]] = {}

    def register(self) -> list[RemovableHandle]:
        """A hook on every recurrent layer."""
        self._norms = {name: [] for name in self.layers}
        return [
            module.register_forward_pre_hook(self._look(name, time_dimension=int(module.batch_first)), with_kwargs=True)
            for name, module in self.layers.items()
        ]

    def _look(self, name: str, time_dimension: int) -> Callable[..., Any]:
        def on_input(module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
            inputs = args[0] if args else kwargs.get("input")
            if not isinstance(inputs, Tensor) or inputs.ndim != 3 or not torch.is_grad_enabled():
                return None
            replaced = not inputs.requires_grad  # data: the same values, with a gradient
            if replaced:
                inputs = inputs.detach().requires_grad_()
            inputs.register_hook(lambda gradient: self._on_gradient(name, gradient.movedim(time_dimension, 0)))
            if not replaced:
                return None
            return ((inputs, *args[1:]), kwargs) if args else (args, {**kwargs, "input": inputs})

        return on_input

    def _on_gradient(self, name: str, gradient: Tensor) -> None:
        norms = torch.linalg.vector_norm(gradient.detach().flatten(1), dim=1, dtype=torch.float64)
        self._norms[name].append(norms)

    def rows(self, step: int, scale: float) -> list[TimeRow]:
        """The rows of one step, from the first time step to the last. Several runs of one length: their joint norm."""
        rows = []
        for name, runs in self._norms.items():
            lengths = {len(norms) for norms in runs}
            if len(lengths) != 1 or lengths == {1}:  # a cell called once a time step has no sequence
                continue
            joint = (torch.linalg.vector_norm(torch.stack(runs), dim=0) / scale).tolist()
            rows += [
                TimeRow(step, name, "forward", time, len(joint) - time, norm, math.nan)
                for time, norm in enumerate(joint, start=1)
            ]
        return rows
