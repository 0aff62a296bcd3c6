"""Clipping: what keeps an exploding gradient from becoming an exploding step. Vanishing it cannot cure.

Each: (parameters with gradients, the norm of all of them) -> whether it had to act, a 0-d float tensor of 0 or 1 on the
device. The host never waits.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vgp_bench.architectures.stages import Architecture
from vgp_bench.training.settings import TrainerSettings


class Clipping(ABC):
    needs_norm = False

    @abstractmethod
    def clip(self, parameters: Sequence[nn.Parameter], gradient_l2: Tensor) -> Tensor:
        """Change the gradients in place. gradient_l2: ||dL/dtheta||_2, float64 (); may be NaN, not measured,
        where needs_norm is False."""


@dataclass(frozen=True)
class NormClipping(Clipping):
    """The whole gradient is scaled to ||g||_2 = limit if it is longer (Pascanu et al. 2013, algorithm 1)."""

    limit: float
    needs_norm = True

    def clip(self, parameters: Sequence[nn.Parameter], gradient_l2: Tensor) -> Tensor:
        # In float64: in float32 a norm above 2^63 has a square that is infinite, and the step would become 0.
        torch.nn.utils.clip_grads_with_norm_(parameters, self.limit, gradient_l2)
        return (gradient_l2 > self.limit).float()


@dataclass(frozen=True)
class ValueClipping(Clipping):
    """Each value is cut to -limit ... limit (Mikolov 2012)."""

    limit: float

    def clip(self, parameters: Sequence[nn.Parameter], gradient_l2: Tensor) -> Tensor:
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        largest = torch.stack(torch._foreach_norm(gradients, ord=float("inf")))
        torch.nn.utils.clip_grad_value_(parameters, self.limit)
        return (largest.max() > self.limit).float()


@dataclass(frozen=True)
class AdaptiveClipping(Clipping):
    """Each unit's gradient is scaled to limit * max(||W_i||, eps) if it is longer (Brock et al. 2021, equation 3).

    A unit is a row of a matrix or a filter of a convolution; a bias or gain is one unit as a whole. The paper leaves
    the classifier out: `spared` are its parameters.
    """

    limit: float
    spared: frozenset[nn.Parameter] = frozenset()
    eps: float = 1e-3

    def clip(self, parameters: Sequence[nn.Parameter], gradient_l2: Tensor) -> Tensor:
        acted = []
        for parameter in parameters:
            if parameter.grad is None or parameter in self.spared:
                continue
            allowed = unit_norms(parameter.detach()).clamp_min(self.eps).mul_(self.limit)
            found = unit_norms(parameter.grad)
            acted.append((found > allowed).any())
            parameter.grad.mul_(torch.where(found > allowed, allowed / found, 1.0))
        if not acted:
            return torch.zeros((), device=parameters[0].device)
        return torch.stack(acted).any().float()


def unit_norms(tensor: Tensor) -> Tensor:
    """(units, ...) -> (units, 1, ...): ||.||_2 of each unit; (n,) -> 0-d: of the vector."""
    if tensor.ndim < 2:
        return torch.linalg.vector_norm(tensor)  # type: ignore[no-any-return]
    norms: Tensor = torch.linalg.vector_norm(tensor, dim=tuple(range(1, tensor.ndim)), keepdim=True)
    return norms


def make_clipping(settings: TrainerSettings, model: Architecture) -> Clipping | None:
    """What the settings ask for; None for no clipping."""
    if settings.clip_norm is not None:
        return NormClipping(settings.clip_norm)
    if settings.clip_value is not None:
        return ValueClipping(settings.clip_value)
    if settings.clip_adaptive is not None:
        classifier = [module for module in model.stages()[-1].module.modules() if isinstance(module, nn.Linear)]
        return AdaptiveClipping(settings.clip_adaptive, frozenset(classifier[-1].parameters()))
    return None
