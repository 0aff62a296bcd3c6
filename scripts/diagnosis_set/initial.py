"""Faults, and harmless changes, that are there from the first step: any initializer, then edits of single modules."""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

import torch
from torch import Tensor, nn

from vgp_bench.components.activations import ActivationFactory
from vgp_bench.components.initializers import Affine, Initializer, affine_modules


@dataclass(frozen=True, kw_only=True)
class Edited(Initializer):
    """base, then the edits in order: [modules, action, value], modules as a pattern for their names (* for any run of
    characters), action one of ACTIONS. An edit that meets no module is an error: it would be no fault at all."""

    base: Initializer
    edits: list[Any]

    def initialize(self, model: nn.Module, activation: ActivationFactory, images: Tensor) -> None:
        self.base.initialize(model, activation, images)
        for pattern, action, value in self.edits:
            if action == "gradient":
                model.register_forward_hook(lambda *seen, by=float(value): _Scaled.apply(seen[2], by))
                continue
            wanted, act = ACTIONS[action]
            met = [m for name, m in model.named_modules() if isinstance(m, wanted) and fnmatch(name, pattern)]
            if not met:
                raise ValueError(f"initializer.edits: no module for {pattern}: {[n for n, _ in affine_modules(model)]}")
            for module in met:
                with torch.no_grad():
                    act(module, float(value))


class _Scaled(torch.autograd.Function):
    """The identity, whose gradient is multiplied: every gradient is as that of a loss in other units."""

    @staticmethod
    def forward(context: Any, outputs: Tensor, by: float) -> Tensor:
        context.by = by
        return outputs.clone()

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return context.by * gradient, None


def _scale(module: Any, by: float) -> None:
    """W and b times by: with 1 / by one layer further on, a ReLU net computes what it did."""
    for parameter in module.parameters(recurse=False):
        parameter.mul_(by)


def _fill(module: Any, value: float) -> None:
    module.weight.fill_(value)


def _bias(module: Any, value: float) -> None:
    module.bias.fill_(value)


def _repeat(module: Any, noise: float) -> None:
    """Every row the same as the first, up to so much noise."""
    rows = module.weight[:1].clone().expand_as(module.weight).clone()
    module.weight.copy_(rows + noise * torch.randn_like(rows))
    module.bias.fill_(0.0)


def _silence(module: Any, share: float) -> None:
    """A bias of -100 for this share of the units."""
    module.bias[: round(share * len(module.bias))] = -100.0


def _freeze(module: Any, _: float) -> None:
    for parameter in module.parameters(recurse=False):
        parameter.requires_grad_(False)


_NORMALIZERS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)
_AFFINE = (nn.Linear, nn.Conv2d)
assert set(_AFFINE) <= set(Affine.__args__)

ACTIONS: dict[str, tuple[tuple[type[nn.Module], ...], Callable[[Any, float], None]]] = {
    "scale": (_AFFINE, _scale),
    "fill": (_AFFINE, _fill),
    "bias": (_AFFINE, _bias),
    "repeat": (_AFFINE, _repeat),
    "silence": (_AFFINE, _silence),
    "freeze": (_AFFINE, _freeze),
    "gain": (_NORMALIZERS, _fill),
    "shift": (_NORMALIZERS, _bias),
}
"""By name: the kinds of module it is for, and what it does to one. `gradient`, of the whole network, stands above."""
