"""The flow of the signal through the stages, sample by sample: what a diagnosis rests on, free of any layer's scale.

S_l = mean_i ||h_i|| ||dL_i/dh_i|| is by how much the loss of an input changes when h_l changes by its own size in the
worst direction. Multiplying W_l by a and dividing W_l+1 by a, which changes no output of a ReLU net, changes every
gradient norm by itself but not S_l; nor does the number of units. The forward twin is the share of h_l that depends on
the input at all, tr Cov(h) / E||h||^2: the correlation of two inputs that Poole et al. 2016 follow through the layers.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from vgp_bench.architectures.recurrent_layer import unfused
from vgp_bench.architectures.stages import Stage
from vgp_bench.components.activations import activation_modules
from vgp_bench.components.gates import GateLinear
from vgp_bench.monitor.norms import absolute_sum
from vgp_bench.monitor.probing import Probe, untouched
from vgp_bench.monitor.readings import Readings
from vgp_bench.monitor.room import Room
from vgp_bench.monitor.spread import input_share, sample_norms, unit_spread, weight_spread
from vgp_bench.monitor.unit_use import UnitUse
from vgp_bench.monitor.zeros import zero_count
from vgp_bench.records.rows import ProbeRow

SAMPLES = 128
"""Inputs of the probe set that are sent forward and backward: for means over inputs, a quarter of it says enough."""


def flow_rows(model: nn.Module, stages: Sequence[Stage], probe: Probe, step: int) -> list[ProbeRow]:
    """The rows of one network at one step, in depth order.

    The network is seen as it trains, in its present mode and in the precision of its weights; it, its gradients and
    the random state stay as they are.
    """
    flow = SignalFlow(stages)
    weights = [weight for stage in stages for weight in stage.weights() if weight.requires_grad]
    # A gradient of the inputs: so that there is one at every stage, whatever is frozen.
    inputs = probe.inputs[:SAMPLES].detach().requires_grad_(probe.inputs.is_floating_point())
    handles = flow.register()
    try:
        with untouched(model), unfused(model), torch.enable_grad():
            loss = probe.objective.loss(model(inputs.clone()), probe.targets[:SAMPLES])
            of = [*weights, *([inputs] if inputs.requires_grad else [])]
            gradients = torch.autograd.grad(loss, of, allow_unused=True) if of else ()
    finally:
        for handle in handles:
            handle.remove()
    found = {weight: g for weight, g in zip(weights, gradients, strict=False) if g is not None}
    return flow.rows(step, found)


class SignalFlow:
    """A Watcher of one forward and backward pass of a mean loss over the samples, dimension 0 of every h_l."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = stages
        self.readings = Readings()
        self.room = Room()
        self.found = [_Found() for _ in stages]

    def register(self) -> list[RemovableHandle]:
        """A hook on every stage and on every activation in it."""
        handles = []
        for stage, found in zip(self.stages, self.found, strict=True):
            handles.append(stage.module.register_forward_hook(partial(self._on_output, found)))
            for module in activation_modules(stage.module):
                use = found.units.setdefault(module, UnitUse(module))
                handles.append(module.register_forward_hook(partial(self._on_activation, use)))
        return handles

    def _on_activation(self, use: UnitUse, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        use.add(inputs[0].detach(), output.detach())

    def _on_output(self, found: "_Found", module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        h = output.detach()
        sizes = sample_norms(h)
        put = self.readings.put
        put(input_share(h, self.room), found.shares)
        put(unit_spread(h, self.room), found.spreads)
        if output.requires_grad:
            output.register_hook(partial(self._on_gradient, found, sizes))

    def _on_gradient(self, found: "_Found", sizes: Tensor, gradient: Tensor) -> None:
        # dL/dh holds dL_i/dh_i / n in row i: the sum over the rows of dL/dh is the mean over the samples of dL_i/dh_i.
        norms = sample_norms(gradient.detach())
        self.readings.put((sizes * norms).sum(), found.sensitivities)
        self.readings.put(norms.sum(), found.gradients)

    def rows(self, step: int, gradients: Mapping[nn.Parameter, Tensor]) -> list[ProbeRow]:
        """The rows, in depth order, given the gradient of each weight. Reads all figures at once."""
        put = self.readings.put
        for stage, found in zip(self.stages, self.found, strict=True):
            weights = stage.weights()
            gates = {m.weight: m.gates for m in stage.module.modules() if isinstance(m, GateLinear)}
            for weight in weights:
                if len(weight) > 1:
                    put(weight_spread(weight.detach(), self.room, gates.get(weight, 1)), found.weight_spreads)
            for gradient in (gradients[weight].detach() for weight in weights if weight in gradients):
                put(absolute_sum(gradient, self.room), found.weight_gradients)
                put(zero_count(gradient, self.room), found.zeros)
                found.weights += gradient.numel()
            for name, figure in UnitUse.together(found.units.values()).items():
                put(figure, found.uses[name])
        self.readings.read()
        return [self._row(index, step) for index in range(len(self.stages))]

    def _row(self, index: int, step: int) -> ProbeRow:
        stage, found = self.stages[index], self.found[index]
        nan, count = float("nan"), found.weights
        return ProbeRow(
            step=step,
            stage=index,
            name=stage.name,
            kind=stage.kind,
            depth=stage.depth,
            # A stage that runs several times passes the signal on in all its runs together.
            sensitivity=sum(found.sensitivities) if found.sensitivities else nan,
            sample_gradient=sum(found.gradients) if found.gradients else nan,
            input_share=max(found.shares, default=nan),
            unit_spread=max(found.spreads, default=nan),
            weight_spread=min(found.weight_spreads, default=nan),
            weight_gradient_mean=sum(found.weight_gradients) / count if count else nan,
            zero_gradient_fraction=sum(found.zeros) / count if count else nan,
            **{name: figure for name, (figure,) in found.uses.items()},
        )


class _Found:
    """Of one stage: a figure for each of its runs, then for each of its weights; and the use of its units."""

    def __init__(self) -> None:
        self.shares: list[float] = []
        self.spreads: list[float] = []
        self.sensitivities: list[float] = []
        self.gradients: list[float] = []
        self.weight_spreads: list[float] = []
        self.weight_gradients: list[float] = []
        self.zeros: list[float] = []
        self.weights = 0
        self.units: dict[nn.Module, UnitUse] = {}
        self.uses: defaultdict[str, list[float]] = defaultdict(list)
