"""Feedback alignment: errors go back through fixed random matrices in place of the transposed weights.

Lillicrap et al. 2016 (Nature Communications 7:13276), "Feedback alignment" in Results: where backpropagation sends the
error e of a layer W back as W^T e, the rule sends B^T e, B of the shape of W, random and never learned. Weights are
updated with what arrives, as usual: dL/dW_l has delta_l h_(l-1)^T in it, delta_l as the rule sends it. The classifier's
own update is exact; that of the layer below it is not.

Activations, normalizers, sums and products between the layers pass errors on by their exact derivatives. The paper has
dense layers only; a convolution sends errors back through random filters of the shape of its own.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vgp_bench.components.gates import GateLinear
from vgp_bench.components.initializers import affine_modules, fans
from vgp_bench.components.learning_rules import LearningRule
from vgp_bench.components.weight_standardization import StandardizedConv2d, StandardizedLinear
from vgp_bench.errors import ConfigError

STREAM = 1
"""Which of the random streams that follow from a run's seed draws the feedback matrices."""


@dataclass(frozen=True)
class FeedbackAlignment(LearningRule):
    """B_ij uniform with mean 0 and standard deviation gain / sqrt(fan out), drawn once.

    An error that goes back through B then keeps its mean square, times gain^2, whatever the widths are; the slopes of
    the activations come on top (at most 1/4 for the sigmoid). The paper draws B uniformly too and tunes its size.
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        if self.gain <= 0:
            raise ConfigError(f"learning_rule.gain={self.gain}: must be above 0; without feedback nothing learns")

    def apply(self, model: nn.Module, seed: int) -> None:
        """Raises ConfigError for weights that are not those of plain linear or convolutional layers, each its own."""
        _check(model)
        state = np.random.SeedSequence(seed, spawn_key=(STREAM,)).generate_state(1, np.uint64)
        generator = torch.Generator().manual_seed(int(state[0]))
        for _, module in affine_modules(model):
            feedback = torch.empty_like(module.weight.detach())
            bound = math.sqrt(3 / fans(feedback)[1]) * self.gain  # a uniform distribution has variance bound^2 / 3
            feedback.uniform_(-bound, bound, generator=generator)
            module.register_buffer("feedback", feedback)
            # As torch's parametrizations do: hooks, names and references to the module stay good.
            module.__class__ = _ALIGNED[type(module)]  # type: ignore[assignment]


@contextmanager
def exact_backward(model: nn.Module) -> Iterator[None]:
    """Let errors go back as under backpropagation, for comparison."""
    modules = aligned_modules(model)
    for module in modules:
        module.exact = True
    try:
        yield
    finally:
        for module in modules:
            module.exact = False


class AlignedAffine(nn.Module):
    """Mixed into an affine layer: forward as it is, backward through `feedback`, which has the shape of the weight."""

    feedback: Tensor
    exact = False

    def forward(self, input: Tensor) -> Tensor:
        if self.exact or not (torch.is_grad_enabled() and input.requires_grad):
            output: Tensor = super().forward(input)  # type: ignore[misc]
            return output
        # W x for the value and for dL/dW; B x for the error only. One more product, and no backward formula of ours.
        output = super().forward(input.detach())  # type: ignore[misc]
        joined: Tensor = _ErrorTo.apply(output, self.through_feedback(input))
        return joined

    def through_feedback(self, input: Tensor) -> Tensor:
        """B input, of the shape of the output."""
        raise NotImplementedError


def aligned_modules(model: nn.Module) -> list[AlignedAffine]:
    """The layers of a model whose errors go back through feedback matrices; none under backpropagation."""
    return [module for module in model.modules() if isinstance(module, AlignedAffine)]


class AlignedLinear(AlignedAffine, nn.Linear):
    """(n, ..., in) -> (n, ..., out)."""

    def through_feedback(self, input: Tensor) -> Tensor:
        return F.linear(input, self.feedback)


class AlignedConv1d(AlignedAffine, nn.Conv1d):
    """(n, in, length) -> (n, out, length')."""

    def through_feedback(self, input: Tensor) -> Tensor:
        output: Tensor = self._conv_forward(input, self.feedback, None)
        return output


class AlignedConv2d(AlignedAffine, nn.Conv2d):
    """(n, in, height, width) -> (n, out, height', width')."""

    def through_feedback(self, input: Tensor) -> Tensor:
        output: Tensor = self._conv_forward(input, self.feedback, None)
        return output


_ALIGNED: dict[type[nn.Module], type[AlignedAffine]] = {
    nn.Linear: AlignedLinear,
    nn.Conv1d: AlignedConv1d,
    nn.Conv2d: AlignedConv2d,
}


class _ErrorTo(torch.autograd.Function):
    """The value of `output`; its error goes to both arguments."""

    @staticmethod
    def forward(ctx: Any, output: Tensor, through_feedback: Tensor) -> Tensor:
        return output.view_as(output)

    @staticmethod
    def backward(ctx: Any, *errors: Tensor) -> tuple[Tensor, Tensor]:
        return errors[0], errors[0]


def _check(model: nn.Module) -> None:
    seen: dict[Tensor, str] = {}
    for name, module in model.named_modules():
        if isinstance(module, GateLinear | nn.RNNBase | nn.RNNCellBase):
            raise _refusal(f"{name} is part of a recurrent cell; choose an architecture without")
        if isinstance(module, StandardizedLinear | StandardizedConv2d):
            raise _refusal("set normalizer.weight_standardization=false")
    for name, module in affine_modules(model):
        if type(module) not in _ALIGNED:
            raise _refusal(f"{name} is a {type(module).__name__}; choose another architecture")
        if module.weight in seen:
            raise _refusal(f"{name} shares its weight with {seen[module.weight]}; choose another architecture")
        seen[module.weight] = name


def _refusal(what: str) -> ConfigError:
    return ConfigError(
        "learning_rule=feedback_alignment: takes linear and convolutional layers with a weight of their own: "
        f"{what}, or use learning_rule=backprop"
    )
