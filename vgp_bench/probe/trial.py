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
from vgp_bench.monitor.probing import Probe, untouched
from vgp_bench.probe.first_steps import FirstSteps, go
from vgp_bench.training.loop import Loop

STEPS = 10
"""Enough for momentum .9 to reach two thirds of its full step, and for what begins at 0 to leave it."""


@dataclass(frozen=True)
class Trial:
    """moved: of each stage what of W after is at right angles to W before, in units of ||W before|| (all of it, in its
    own unit, if W began at 0); NaN without trained weights. A weight that only shrinks, by weight decay say, is told
    nothing. told_apart: root mean square, over inputs and logits, of what a logit is above its mean over the
    inputs: by how much the steps changed it, or what there is of it after them, whichever is less. What all inputs have
    in common is no learning of them; nor is it that what told them apart by chance is gone.
    """

    steps: FirstSteps
    moved: list[float]
    told_apart: float


def trial(loop: Loop, model: Architecture, probe: Probe) -> Trial:
    """Trains the first STEPS steps of the run, or as many as it has."""
    gauges = [[weight for weight in stage.weights() if weight.requires_grad] for stage in model.stages()]
    before = [[weight.detach().clone() for weight in weights] for weights in gauges]
    before_steps = _above_the_mean(model, probe.inputs)
    steps = go(loop, STEPS)
    after_steps = _above_the_mean(model, probe.inputs)
    moved = [_turned(old, new) for old, new in zip(before, gauges, strict=True)]
    told_apart = torch.minimum(_size(after_steps - before_steps), _size(after_steps))  # NaN stays NaN
    return Trial(steps, moved, float(told_apart))


def _above_the_mean(model: nn.Module, inputs: Tensor) -> Tensor:
    """What each logit is above its mean over the inputs: (inputs, values), float64."""
    with torch.no_grad(), untouched(model):
        logits: Tensor = model(inputs).flatten(1).double()
    return logits - logits.mean(0)


def _size(values: Tensor) -> Tensor:
    """Root mean square."""
    return values.square().mean().sqrt()


def _turned(before: Sequence[Tensor], after: Sequence[Tensor]) -> float:
    """Length at right angles to `before` of what it became, both taken as one vector; in units of `before`."""
    if not before:
        return math.nan
    old = torch.cat([weight.flatten().double() for weight in before])
    step = torch.cat([weight.detach().flatten().double() for weight in after]) - old
    unit = old.norm()
    if not unit:
        return float(bool(step.norm()))
    along = (step @ old) / unit
    return float((step - along * old / unit).norm() / unit)
