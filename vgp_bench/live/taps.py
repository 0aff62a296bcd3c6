"""Where the statistics look at a foreign network: stages made of taps, to which its values are shown.

Hooks on a foreign module would see whatever it returns. A tap is a module of our own that is shown h_l, holds the
stage's weights, and beside it a twin of each activation, which is shown z: what watches stages watches them.
"""

import copy
from collections import OrderedDict
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from vgp_bench.architectures.stages import Stage
from vgp_bench.components.activations import MARK, is_activation
from vgp_bench.live.calls import Seen
from vgp_bench.live.finding_stages import FoundStage
from vgp_bench.live.tensors import SamplesFirst


class Tap(nn.Module):
    """The module of a Stage: call it with h_l."""

    def __init__(self, weights: Iterable[nn.Parameter], activations: Iterable[nn.Module]) -> None:
        super().__init__()
        self.weights = nn.ParameterList(weights)
        self.activations = nn.ModuleList(activations)

    def forward(self, h: SamplesFirst) -> SamplesFirst:
        return h


class TappedStage:
    """A found stage, ready to be watched: stage, for whom the statistics look; show() and show_activation()."""

    def __init__(self, found: FoundStage) -> None:
        self.found = found
        modules = [module for module in (*found.chain, *found.inner) if is_activation(module)]
        self.twins = {module: twin(module) for module in modules}
        self.functions = {before: twin(activation) for before, activation in found.functions.items()}
        self.tap = Tap(found.weights, [*self.twins.values(), *self.functions.values()])
        self.stage = Stage(found.name, self.tap, found.depth, found.kind)

    def show(self, h: Seen, sample_dimension: int | None = None) -> None:
        """One run's h_l, unless it was overwritten since, is empty (an expert that got no token) or has no samples."""
        if h.untouched and h.tensor.numel() and h.tensor.ndim > 1:
            dimension = self.found.sample_dimension if sample_dimension is None else sample_dimension
            self.tap(SamplesFirst(h.tensor, dimension if h.tensor.ndim > 2 else 0))

    def show_activation(self, module: nn.Module, z: Tensor) -> None:
        """One run's z of an activation module."""
        self._show_z(self.twins[module], z)

    def show_function(self, before: nn.Module, z: Seen) -> None:
        """One run's z of an activation that is called as a function, if one comes after this module."""
        if before in self.functions and z.untouched:
            self._show_z(self.functions[before], z.tensor)

    def _show_z(self, activation: nn.Module, z: Tensor) -> None:
        if not z.numel() or z.ndim < 2:
            return
        # Activation checkpointing counts what autograd saves: what a slope needs is none of its business.
        with torch.no_grad(), saved_tensors_hooks(lambda saved: saved, lambda saved: saved):
            activation(SamplesFirst(z, self.found.sample_dimension if z.ndim > 2 else 0).detach())


def twin(activation: nn.Module) -> nn.Module:
    """The same activation with the same parameters, out of place, without its hooks and without random slopes."""
    other = copy.copy(activation)
    for name in [name for name in vars(other) if "_hooks" in name]:
        vars(other)[name] = OrderedDict()
    vars(other)[MARK] = True
    if getattr(other, "inplace", False):
        other.inplace = False  # type: ignore[assignment]
    other.training = False
    return other
