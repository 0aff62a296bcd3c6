"""The angle between the gradient that a learning rule sends back and the exact one, layer by layer.

Lillicrap et al. 2016, figure 2b: under feedback alignment it falls below 90 degrees as the forward weights come to
agree with the feedback. The paper takes the angle of the error signals of the hidden units, here it is that of the
updates they cause: of dL/dW_l, all weights of a stage as one vector.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vgp_bench.architectures.recurrent_layer import unfused
from vgp_bench.architectures.stages import Stage
from vgp_bench.components.feedback_alignment import aligned_modules, exact_backward
from vgp_bench.monitor.flow import SAMPLES
from vgp_bench.monitor.probing import Probe, untouched
from vgp_bench.records.rows import AngleRow


def angle_rows(model: nn.Module, stages: Sequence[Stage], probe: Probe, step: int) -> list[AngleRow]:
    """The rows of one network at one step, in depth order; none where the rule is backpropagation.

    Two passes over the first SAMPLES inputs of the probe set, in the present mode and with the same random numbers;
    network, gradients and random state stay as they are. A stage without gradient has the angle NaN.
    """
    if not aligned_modules(model):
        return []
    weights = [[weight for weight in stage.weights() if weight.requires_grad] for stage in stages]
    every = [weight for of_stage in weights for weight in of_stage]
    found = _gradients(model, every, probe)
    with exact_backward(model):
        exact = _gradients(model, every, probe)
    return [
        AngleRow(
            step=step,
            stage=index,
            name=stage.name,
            kind=stage.kind,
            depth=stage.depth,
            gradient_angle=angle(*(_joined([given[weight] for weight in of_stage]) for given in (found, exact))),
        )
        for index, (stage, of_stage) in enumerate(zip(stages, weights, strict=True))
    ]


def angle(one: Tensor, other: Tensor) -> float:
    """The angle between two vectors, in degrees; NaN if one of them is 0 or not finite.

    From the sum and the difference of their directions (Kahan), since near 0 an arc cosine says nothing but rounding.
    """
    lengths = torch.linalg.vector_norm(one), torch.linalg.vector_norm(other)
    one, other = one / lengths[0], other / lengths[1]
    apart, together = torch.linalg.vector_norm(one - other), torch.linalg.vector_norm(one + other)
    return math.degrees(float(2 * torch.atan2(apart, together)))


def _gradients(model: nn.Module, weights: Sequence[Tensor], probe: Probe) -> dict[Tensor, Tensor]:
    with untouched(model), unfused(model), torch.enable_grad():
        loss = probe.objective.loss(model(probe.inputs[:SAMPLES]), probe.targets[:SAMPLES])
        gradients = torch.autograd.grad(loss, weights, allow_unused=True)
    return {w: torch.zeros_like(w) if g is None else g for w, g in zip(weights, gradients, strict=True)}


def _joined(gradients: Sequence[Tensor]) -> Tensor:
    return torch.cat([gradient.double().flatten() for gradient in gradients]) if gradients else torch.zeros(1)
