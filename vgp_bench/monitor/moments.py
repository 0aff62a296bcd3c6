"""Mean and standard deviation of h_l over batch and units: forward signal flow (Glorot & Bengio 2010, fig. 2-4)."""

import math

import numpy as np
import torch
from torch import Tensor

from vgp_bench.components.counting import ONES, Values, as_array
from vgp_bench.monitor.norms import HALF, HUGE, TINY, Figure, finite_values, host_norm

SPREAD = 0.1
"""A deviation below this share of the mean loses digits in float32 and is taken in float64."""


def moments(values: Values) -> tuple[Figure, Figure, Figure]:
    """(mean, standard deviation, number of non-finite values); mean and deviation cover the finite values.

    std^2 = ||h||_2^2 / n - mean^2. In float64 that is right down to std = 1e-8 |mean|, finer than float32 activations
    are; on the CPU float32 sums do where they are good to four digits (two, where all values are nearly equal).
    (torch.var_mean is ten times slower there.)
    """
    sums = _host_sums(values)
    if sums is not None:
        count, norm, total = sums
        mean = total / max(count, 1)
        if TINY < norm < HUGE:
            variance = norm * norm / count - mean * mean
            if variance > (SPREAD * mean) ** 2:
                return mean, math.sqrt(variance), 0.0
    tensor = values if isinstance(values, Tensor) else torch.from_numpy(values)
    if tensor.dtype in HALF:
        tensor = tensor.float()
    finite = finite_values(tensor)
    nonfinite = torch.count_nonzero(tensor - finite)
    seen = tensor.numel() - nonfinite
    mean_64 = finite.sum(dtype=torch.float64) / seen
    mean_square = torch.linalg.vector_norm(finite, dtype=torch.float64).square() / seen
    return mean_64, (mean_square - mean_64.square()).clamp_min(0).sqrt(), nonfinite


def _host_sums(values: Values) -> tuple[int, float, float] | None:
    """(values, their L2 norm, their sum) in float32 or finer; None where the host would have to wait for them."""
    array = as_array(values) if isinstance(values, Tensor) else values
    if array is not None:
        # The product with ones takes a third of the time of a sum by numpy; vdot, unlike dot, warns of no overflow.
        total = float(np.vdot(array, ONES[: array.size]))
        return array.size, math.sqrt(np.vdot(array, array)), total
    assert isinstance(values, Tensor)
    if not values.is_cpu:
        return None
    whole = values.float() if values.dtype in HALF else values
    return whole.numel(), host_norm(whole), whole.sum().item()
