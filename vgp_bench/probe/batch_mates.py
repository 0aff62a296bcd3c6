"""How much the other inputs of a batch change an input's logits: the noise of batch statistics, end to end.

Ioffe & Szegedy 2015 normalize with the statistics of the batch; Wu & He 2018 show that this fails for batches of 4 or
fewer. What it does to this network at this batch size can be measured.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vgp_bench.monitor.probing import untouched

SHUFFLES = 4


def mixes_inputs(model: nn.Module) -> bool:
    """Whether any module normalizes over the batch."""
    return any(isinstance(module, _BatchNorm) for module in model.modules())


def noise_of_batch_mates(model: nn.Module, inputs: Tensor, size: int) -> float:
    """Standard deviation of a logit over SHUFFLES random batches of `size` in which its input stands, by that over
    inputs; 0: the others do not matter, 1: they say as much as the input does. NaN if there is no whole batch.

    The random state stays as it is; the batches are the same at every call.
    """
    count = len(inputs) // size * size
    if size < 2 or not count:
        return math.nan
    generator = torch.Generator().manual_seed(0)
    seen = []
    for _ in range(SHUFFLES):
        order = torch.randperm(len(inputs), generator=generator)[:count].to(inputs.device)
        logits = _logits(model, inputs, order.split(size))
        placed = torch.full((len(inputs), logits.shape[1]), torch.nan, dtype=torch.float64, device=inputs.device)
        placed[order] = logits
        seen.append(placed)
    stacked = torch.stack(seen)  # (shuffles, inputs, logits)
    stacked = stacked[:, ~stacked.isnan().any(2).any(0)]
    within = stacked.var(0).mean()
    between = stacked.mean(0).var(0).mean()
    return float((within / between).sqrt()) if float(between) else math.nan


def _logits(model: nn.Module, inputs: Tensor, batches: tuple[Tensor, ...]) -> Tensor:
    with torch.no_grad(), untouched(model):
        return torch.cat([model(inputs[batch]).flatten(1) for batch in batches]).double()
