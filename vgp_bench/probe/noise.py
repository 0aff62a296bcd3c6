"""Signal to noise of each stage's weight gradient, and how deep the network is that learns.

With the gradients g_1 ... g_m of m micro-batches, their mean g and the trace of their covariance tr S,
||g||^2 / (tr S / m) compares the mean with its own standard error. Gradients without any signal give 1, the share that
noise has in ||g||^2; it is subtracted, so that signal_to_noise is ||signal||^2 / ||noise of the mean||^2.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vgp_bench.architectures.stages import Stage
from vgp_bench.monitor.probing import Probe, untouched

MICRO_BATCHES = 8


def signals_to_noise(model: nn.Module, stages: Sequence[Stage], probe: Probe) -> list[float]:
    """Of each stage, over the whole probe set in MICRO_BATCHES; 0 without a gradient, NaN without weights or if the
    probe set is too small. Negative values, which chance makes of pure noise, are kept."""
    weights = [[weight for weight in stage.weights() if weight.requires_grad] for stage in stages]
    size = len(probe.inputs) // MICRO_BATCHES
    if size < 2:  # batch normalization needs two inputs, a covariance two micro-batches
        return [math.nan] * len(stages)
    sums = [[torch.zeros_like(weight, dtype=torch.float64) for weight in given] for given in weights]
    squares = [0.0] * len(stages)
    flat = [weight for given in weights for weight in given]
    for first in range(0, size * MICRO_BATCHES, size):
        portion = slice(first, first + size)
        with untouched(model), torch.enable_grad():
            loss = probe.objective.loss(model(probe.inputs[portion]), probe.targets[portion])
            gradients = iter(torch.autograd.grad(loss, flat, materialize_grads=True))
        for stage, total in enumerate(sums):
            for summed in total:
                gradient = next(gradients).double()
                summed += gradient
                squares[stage] += float(gradient.square().sum())
    return [_ratio(total, square) for total, square in zip(sums, squares, strict=True)]


def _ratio(sums: Sequence[Tensor], squares: float) -> float:
    """sums: of the gradients over the micro-batches, a tensor a weight; squares: of all their values."""
    if not sums:
        return math.nan
    m = MICRO_BATCHES
    mean = sum(float((summed / m).square().sum()) for summed in sums)
    noise = max((squares - m * mean) / (m - 1) / m, 0.0)  # tr S / m
    if not noise:
        return math.inf if mean else 0.0
    return mean / noise - 1
