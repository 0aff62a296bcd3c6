"""One look at a network: a forward and backward pass of the probe set, seen by the watchers a run has."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch

from vgp_bench.architectures.recurrent import Recurrent
from vgp_bench.architectures.stages import Architecture
from vgp_bench.monitor.dead import DeadUnits
from vgp_bench.monitor.flow import SAMPLES, SignalFlow
from vgp_bench.monitor.gauge import StageGauge, all_weights
from vgp_bench.monitor.observation import Observation
from vgp_bench.monitor.probing import Probe, show, untouched
from vgp_bench.monitor.through_time import SEQUENCES, time_rows
from vgp_bench.monitor.update import WeightUpdate
from vgp_bench.records.rows import LayerRow, ProbeRow, Row, TimeRow
from vgp_bench.records.signal import Columns


@dataclass(frozen=True)
class Look:
    """The rows a run would write at this step, over the probe set. step: optimizer steps done before.

    loss: mean over the inputs that were sent forward and backward; gradient_l2: ||dL/dtheta||_2 of that loss.
    """

    step: int
    loss: float
    gradient_l2: float
    layers: list[LayerRow]
    probes: list[ProbeRow]
    times: list[TimeRow]


def look(model: Architecture, probe: Probe, step: int) -> Look:
    """The network as it trains, in its present mode; it, its buffers and the random state stay as they are."""
    stages = model.stages()
    units = DeadUnits(stages)
    show(model, probe.inputs, [units])
    flow, gauges = SignalFlow(stages), [StageGauge(stage) for stage in stages]
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    before = [parameter.grad for parameter in trained]
    for parameter in trained:
        parameter.grad = None
    handles = flow.register()
    observation = Observation(gauges, WeightUpdate(all_weights(gauges)), step, units.fractions())
    try:
        with untouched(model), torch.enable_grad():
            loss = probe.objective.loss(model(probe.inputs[:SAMPLES]), probe.targets[:SAMPLES])
            loss.backward()
    finally:
        for handle in handles:
            handle.remove()
        observation.after_backward({})
    gradients = {parameter: parameter.grad for parameter in trained if parameter.grad is not None}
    probes = flow.rows(step, gradients)
    norms = [torch.linalg.vector_norm(gradient, dtype=torch.float64) for gradient in gradients.values()]
    for parameter, gradient in zip(trained, before, strict=True):
        parameter.grad = gradient
    return Look(
        step,
        float(loss.detach()),
        float(torch.linalg.vector_norm(torch.stack(norms))) if norms else math.nan,
        [replace(row, update_ratio=math.nan) for row in observation.rows()],  # no step was taken
        probes,
        _times(model, probe, step),
    )


def _times(model: Architecture, probe: Probe, step: int) -> list[TimeRow]:
    if not isinstance(model, Recurrent):
        return []
    return time_rows(model, probe.inputs[:SEQUENCES], probe.targets[:SEQUENCES], probe.objective, step)


def as_columns(rows: Sequence[Row], row_type: type[Row]) -> Columns:
    """Rows as the tables of a record are read: name -> array."""
    return {field.name: np.array([getattr(row, field.name) for row in rows]) for field in fields(row_type)}
