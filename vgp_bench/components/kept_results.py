"""Activations whose result autograd keeps for the backward pass: until then nobody can change it without an error.

Their derivative is a function of phi(z) alone (ReLU: 0 or 1; tanh: 1 - phi^2; sigmoid: phi (1 - phi)), so what is to be
known of z, whether it is saturated, can be seen in the result too.
"""

import math
from collections.abc import Callable
from functools import cache, partial

import torch
from torch import Tensor, nn

from vgp_bench.components.activations import is_activation
from vgp_bench.components.counting import AT_LEAST, AT_MOST, Values, count
from vgp_bench.components.saturation import saturated_intervals

KEPT = (nn.ReLU, nn.Sigmoid, nn.Tanh)

ResultCounter = Callable[[Values], Tensor | float]


def returned_activation(module: nn.Module) -> nn.Module | None:
    """The activation of a plain chain that has no other, stands at its end and is one of KEPT: phi(z) is all the module
    returns. Else None."""
    # Exactly these classes: one derived from them may return something else.
    if type(module) is not nn.Sequential or _activations(module) != 1 or type(module[-1]) not in KEPT:
        return None
    return module[-1]


def _activations(module: nn.Module) -> int:
    """One that stands at two places is there twice."""
    return sum(is_activation(inner) for _, inner in module.named_modules(remove_duplicate=False))


def result_counter(activation: nn.Module) -> ResultCounter:
    """phi(z) -> saturated_count(activation, z), for one of KEPT.

    They never fall, so that an end of an interval of z is one of phi(z). (Rounding may have it otherwise for a z that
    differs from the end by 1e-5; in 16 bits, where results near 1 are few, by .1 for a sigmoid and .01 for a tanh. So
    there the shares of wide z differ in the third digit.) Raises ValueError for any other.
    """
    return partial(_count, _bounds(KEPT.index(type(activation))))


def _count(bounds: tuple[float, float], results: Values) -> Tensor | float:
    below, above = bounds
    low = count(AT_MOST, results, below)
    return low if above == math.inf else low + count(AT_LEAST, results, above)


@cache
def _bounds(kind: int) -> tuple[float, float]:
    """Results at most the first and at least the second are those of a saturated z. kind: place in KEPT."""
    activation = KEPT[kind]()
    low, *high = saturated_intervals(activation)
    ends = torch.tensor([low[1], *(interval[0] for interval in high)], dtype=torch.float64)
    below, *above = activation.forward(ends).tolist()
    return below, above[0] if above else math.inf
