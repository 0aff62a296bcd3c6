"""One measured step of a foreign loop: hooks from the end of the step before until the optimizer has stepped.

All forward and backward passes in between count: with gradient accumulation the figures are those of the whole step;
where several losses are sent back one after another through the same values, the norms of their gradients are added.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from vgp_bench.live.calls import Call
from vgp_bench.live.input_gradients import InputGradients
from vgp_bench.live.recently_dead import RecentlyDead
from vgp_bench.live.route import Route
from vgp_bench.live.taps import TappedStage
from vgp_bench.monitor.dead import DeadUnits
from vgp_bench.monitor.flow import SignalFlow
from vgp_bench.monitor.gauge import StageGauge, all_weights
from vgp_bench.monitor.norms import Figure, joint_norm, true_norms
from vgp_bench.monitor.observation import Observation
from vgp_bench.monitor.update import WeightUpdate
from vgp_bench.records.rows import LayerRow, ProbeRow, TimeRow


class Instruments:
    """What is made once for a network: its stages, the way to them, room for a copy of the weights."""

    def __init__(self, stages: Sequence[TappedStage]) -> None:
        self.tapped = stages
        self.stages = [tapped.stage for tapped in stages]
        self.gauges = [StageGauge(stage) for stage in self.stages]
        self.update = WeightUpdate(all_weights(self.gauges))
        self.route = Route(stages)
        self.dead = RecentlyDead(self.stages)


class MeasuredStep:
    """Begins to look when made. Then, in this order: forward and backward; after_backward(); the step; rows().

    times: the watcher of the recurrent layers, whose hooks are the caller's. calls: instead of looking on, take what
    this forward pass held.
    """

    def __init__(
        self, instruments: Instruments, step: int, times: InputGradients, calls: Sequence[Call] | None = None
    ) -> None:
        self.instruments, self.step, self.times = instruments, step, times
        nothing = [math.nan] * len(instruments.stages)
        self.flow = SignalFlow(instruments.stages)
        self.units = DeadUnits(instruments.stages)
        self.inputs = 0
        self.observation = Observation(instruments.gauges, instruments.update, step, nothing)
        self.handles: list[RemovableHandle] = [*self.flow.register(), *self.units.register()]
        self.handles.append(instruments.stages[-1].module.register_forward_hook(self._count))
        if calls is not None:
            instruments.route.replay(calls)
        self.handles += instruments.route.register()

    def _count(self, module: nn.Module, args: object, h: Tensor) -> None:
        self.inputs += len(h.detach())

    def give_up(self) -> None:
        """Take all hooks away; nothing is measured."""
        for handle in [*self.handles, *self.observation.handles]:
            handle.remove()
        self.instruments.route.clear()

    def after_backward(self, parameters: Sequence[Tensor], scale: float, weight_scale: float) -> float:
        """Before the optimizer's step; returns ||dL/dtheta||_2 over the parameters.

        scale: by how much the loss was scaled up; weight_scale: by how much the gradients of the weights still are.
        """
        self.scale, self.weight_scale = scale, weight_scale
        self.give_up()
        given = {weight: weight.grad for weight in all_weights(self.instruments.gauges) if weight.grad is not None}
        self.probe_rows = self.flow.rows(self.step, given)
        trained = [parameter for parameter in parameters if parameter.grad is not None]
        norms = true_norms([parameter.grad for parameter in trained if parameter.grad is not None])
        pairs = zip(trained, norms, strict=True)
        self.observation.after_backward({weight: n for weight, n in pairs if isinstance(weight, nn.Parameter)}, scale)
        by_device: defaultdict[torch.device | None, list[Figure]] = defaultdict(list)  # a network may lie on several
        for norm in norms:
            by_device[norm.device if isinstance(norm, Tensor) else None].append(norm)
        here = [float(joint_norm(those)) for those in by_device.values()]
        return math.hypot(*here) / weight_scale if here else math.nan

    def rows(self) -> list[LayerRow | ProbeRow | TimeRow]:
        """The rows of this step, after the optimizer's step."""
        self.instruments.dead.add(self.inputs, self.units)
        self.observation.dead_fractions = self.instruments.dead.fractions()
        layers = [
            replace(
                row,
                weight_gradient_l2=row.weight_gradient_l2 / self.weight_scale,
                weight_gradient_rms=row.weight_gradient_rms / self.weight_scale,
            )
            for row in self.observation.rows()
        ]
        probes = [
            replace(
                row,
                sensitivity=row.sensitivity / self.scale,
                sample_gradient=row.sample_gradient / self.scale,
                weight_gradient_mean=row.weight_gradient_mean / self.weight_scale,
            )
            for row in self.probe_rows
        ]
        return [*layers, *probes, *self.times.rows(self.step, self.scale)]
