"""The first steps of the training and what they move: how far each stage goes, how far inputs are told apart.

Only steps show what gradients alone hide: Adam's step does not shrink with the gradient, until eps (Kingma & Ba 2015,
section 2.1); a branch that begins at 0 has no gradient before it, for one step; and a rate too high shows at once.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vgp_bench.architectures.stages import Architecture
from vgp_bench.monitor.norms import Figure
from vgp_bench.monitor.probing import Probe, untouched
from vgp_bench.monitor.update import WeightUpdate
from vgp_bench.probe.first_steps import FirstSteps, go
from vgp_bench.training.loop import Loop

STEPS = 10
"""Enough for momentum .9 to reach two thirds of its full step, and for what begins at 0 to leave it."""


@dataclass(frozen=True)
class Trial:
    """moved: of each stage ||W after - W before|| / ||W before|| (by ||W after|| if it began at 0); NaN without
    trained weights. told_apart: root mean square, over inputs and logits, of the change of what a logit is above its
    mean over the inputs; what all inputs have in common is no learning of them.
    """

    steps: FirstSteps
    moved: list[float]
    told_apart: float


def trial(loop: Loop, model: Architecture, probe: Probe) -> Trial:
    """Trains the first STEPS steps of the run, or as many as it has."""
    gauges = [[weight for weight in stage.weights() if weight.requires_grad] for stage in model.stages()]
    updates = [WeightUpdate(weights) for weights in gauges]
    before = [_norm(update.remember()) for update in updates]
    before_steps = _above_the_mean(model, probe.inputs)
    steps = go(loop, STEPS)
    change = _above_the_mean(model, probe.inputs) - before_steps
    moved = []
    for weights, size, update in zip(gauges, before, updates, strict=True):
        unit = size or _norm([weight.detach().norm() for weight in weights])
        distance = _norm(update.moved())
        moved.append(math.nan if not weights else distance / unit if unit else 0.0)
    return Trial(steps, moved, float(change.square().mean().sqrt()))


def _above_the_mean(model: nn.Module, inputs: Tensor) -> Tensor:
    """What each logit is above its mean over the inputs: (inputs, values), float64."""
    with torch.no_grad(), untouched(model):
        logits: Tensor = model(inputs).flatten(1).double()
    return logits - logits.mean(0)


def _norm(parts: Sequence[Figure]) -> float:
    return math.hypot(*(float(part) for part in parts))
