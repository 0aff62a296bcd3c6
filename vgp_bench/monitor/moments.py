"""Mean and standard deviation of h_l over batch and units: forward signal flow (Glorot & Bengio 2010, fig. 2-4)."""

import math

import numpy as np
import torch
from torch import Tensor

from vgp_bench.components.counting import SMALL, as_array
from vgp_bench.monitor.norms import HALF, HUGE, TINY, Figure, finite_values, host_norm

SPREAD = 0.1
"""A deviation below this share of the mean loses digits in float32 and is taken in float64."""

_ONES = np.ones(SMALL, dtype=np.float32)


def moments(tensor: Tensor) -> tuple[Figure, Figure, Figure]:
    """(mean, standard deviation, number of non-finite values); mean and deviation cover the finite values.

    std^2 = ||h||_2^2 / n - mean^2. In float64 that is right down to std = 1e-8 |mean|, finer than float32 activations
    are; on the CPU float32 sums do where they are good to four digits (two, where all values are nearly equal).
    (torch.var_mean is ten times slower there.)
    """
    if tensor.dtype in HALF:
        tensor = tensor.float()
    count = tensor.numel()
    if tensor.is_cpu:
        norm, total = _norm_and_sum(tensor)
        mean = total / max(count, 1)
        if TINY < norm < HUGE:
            variance = norm * norm / count - mean * mean
            if variance > (SPREAD * mean) ** 2:
                return mean, math.sqrt(variance), 0.0
    finite = finite_values(tensor)
    nonfinite = torch.count_nonzero(tensor - finite)
    mean_64 = finite.sum(dtype=torch.float64) / (count - nonfinite)
    mean_square = torch.linalg.vector_norm(finite, dtype=torch.float64).square() / (count - nonfinite)
    return mean_64, (mean_square - mean_64.square()).clamp_min(0).sqrt(), nonfinite


def _norm_and_sum(tensor: Tensor) -> tuple[float, float]:
    array = as_array(tensor)
    if array is None:
        return host_norm(tensor), tensor.sum().item()
    # The product with ones takes a third of the time of a sum by numpy; vdot, unlike dot, warns of no overflow.
    return math.sqrt(np.vdot(array, array)), float(np.vdot(array, _ONES[: array.size]))
