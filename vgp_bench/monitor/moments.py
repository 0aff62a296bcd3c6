"""Mean and standard deviation of h_l over batch and units: forward signal flow (Glorot & Bengio 2010, fig. 2-4)."""

import torch
from torch import Tensor

from vgp_bench.monitor.norms import finite_norm, finite_values


def moments(tensor: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(mean, standard deviation, number of non-finite values), each 0-d; mean and deviation cover the finite values.

    std^2 = ||h||_2^2 / n - mean^2 with float64 sums: right down to std = 1e-8 |mean|, which is finer than float32
    activations are. (torch.var_mean is exact too, but ten times slower on the CPU.)
    """
    norm, nonfinite = finite_norm(tensor)
    on_cpu = tensor.device.type == "cpu"
    clean = tensor if on_cpu and not nonfinite.item() else finite_values(tensor)
    count = tensor.numel() - nonfinite
    mean = clean.sum(dtype=torch.float64) / count
    variance = norm.square() / count - mean.square()
    return mean, variance.clamp_min(0).sqrt(), nonfinite
