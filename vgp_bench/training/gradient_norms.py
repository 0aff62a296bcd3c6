"""The L2 norms of the gradient of one step: of each weight matrix or filter, and of everything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vgp_bench.monitor.norms import Figure, joint_norm, true_norm, true_norms


@dataclass(frozen=True)
class GradientNorms:
    """each: ||dL/dW_i||_2 of each weight matrix or filter that has a gradient. others: of the biases, gains and scalars
    together, which nobody asks for one by one."""

    each: Mapping[nn.Parameter, Figure]
    others: Figure

    def whole(self) -> Tensor:
        """||dL/dtheta||_2 over all parameters: float64 ()."""
        return joint_norm([*self.each.values(), self.others])


def gradient_norms(parameters: Sequence[nn.Parameter]) -> GradientNorms:
    """Of those that have a gradient, all on one device. The host waits for no GPU."""
    found = [(parameter, grad) for parameter in parameters if (grad := parameter.grad) is not None]
    weights = [(parameter, grad) for parameter, grad in found if grad.ndim >= 2]
    norms = true_norms([grad for _, grad in weights])
    each = {weight: norm for (weight, _), norm in zip(weights, norms, strict=True)}
    return GradientNorms(each, _together([grad for _, grad in found if grad.ndim < 2]))


def _together(gradients: Sequence[Tensor]) -> Figure:
    if not gradients:
        return 0.0
    # On a CPU one copy of a few thousand numbers costs less than a call for each vector.
    if gradients[0].is_cpu:
        return true_norm(torch.cat([gradient.reshape(-1) for gradient in gradients]))
    return joint_norm(true_norms(gradients))
