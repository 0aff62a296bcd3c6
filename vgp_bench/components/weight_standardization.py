"""Weight standardization: every filter enters the layer with mean 0 and variance 1.

Qiao et al. 2019, equations 2-4. `weight` stays the plain learnable parameter, so initializers, statistics and
optimizers see what is trained. The standardized filter has variance 1, not 1 / fan_in: outputs grow by sqrt(fan_in)
unless a normalizer follows.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Only keeps a filter of equal weights finite; small enough not to shrink filters initialized with std .01.
_EPS = 1e-10


def standardized(weight: Tensor) -> Tensor:
    """(out, fan-in dimensions ...) -> same shape; each weight[i] with mean 0 and (biased) variance 1."""
    fan_in = tuple(range(1, weight.ndim))
    centred = weight - weight.mean(dim=fan_in, keepdim=True)
    variance = centred.square().mean(dim=fan_in, keepdim=True)
    return centred * torch.rsqrt(variance + _EPS)


class StandardizedLinear(nn.Linear):
    """nn.Linear with standardized rows."""

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, standardized(self.weight), self.bias)


class StandardizedConv2d(nn.Conv2d):
    """nn.Conv2d with standardized filters."""

    def forward(self, input: Tensor) -> Tensor:
        output: Tensor = self._conv_forward(input, standardized(self.weight), self.bias)
        return output
