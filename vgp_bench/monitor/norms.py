"""L2 norms that neither underflow nor hide non-finite values.

||g||_2 = sqrt(sum g_i^2). Vanishing is what we are here to see, and in float32 the square of 1e-23 is already zero: the
sum is taken in float64, so that every value float32 can hold (down to 1e-45) counts. RMS = ||g||_2 / sqrt(n) is
comparable between layers of different size.
"""

import math

import torch
from torch import Tensor


def finite_norm(tensor: Tensor) -> tuple[Tensor, Tensor]:
    """(L2 norm of the finite values, number of non-finite values), both 0-d on the tensor's device.

    The norm is float64. A float64 norm of float32 values is finite exactly when they all are; on the CPU, where looking
    at it costs nothing, the search for non-finite values is therefore made only when there are some. On CUDA, looking
    would mean waiting, so the search is always made.
    """
    norm = torch.linalg.vector_norm(tensor, dtype=torch.float64)
    if tensor.device.type == "cpu" and math.isfinite(norm.item()):
        return norm, torch.zeros((), dtype=torch.int64)
    finite = finite_values(tensor)
    # NaN and infinity minus zero stay; much quicker than torch.isfinite on the CPU.
    nonfinite = torch.count_nonzero(tensor - finite)
    return torch.linalg.vector_norm(finite, dtype=torch.float64), nonfinite


def finite_values(tensor: Tensor) -> Tensor:
    """The tensor with zeros in place of NaN and infinity."""
    return torch.nan_to_num(tensor, nan=0.0, posinf=0.0, neginf=0.0)
