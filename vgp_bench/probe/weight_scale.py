"""How large the weights are for the number of their inputs: what tells N(0, 1) from an initializer that asks for it."""

import math
from collections.abc import Sequence

import torch

from vgp_bench.architectures.stages import Stage
from vgp_bench.components.initializers import affine_modules, fans


def weight_scales(stages: Sequence[Stage]) -> list[float]:
    """Of each stage sqrt(fan in) * root mean square of W, of its largest Linear or Conv; NaN without one.

    A sum of fan-in inputs of size 1 has that size: 1 in LeCun et al. 1998, sqrt(2) in He et al. 2015, sqrt(fan in) if
    the weights are N(0, 1). Embeddings are looked up, not summed, and have none.
    """
    return [
        max((_scale(module.weight) for _, module in affine_modules(stage.module)), default=math.nan) for stage in stages
    ]


def _scale(weight: torch.Tensor) -> float:
    fan_in, _ = fans(weight)
    return math.sqrt(fan_in) * float(weight.detach().double().square().mean().sqrt())
