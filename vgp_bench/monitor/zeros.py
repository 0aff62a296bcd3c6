"""Zero fraction: the share of activation outputs that are exactly 0.

Sparsity, not death: a ReLU net as He et al. 2015 initialize it has one half. See dead.py for death.
"""

import torch
from torch import Tensor

from vgp_bench.monitor.room import Room


def zero_count(tensor: Tensor, room: Room) -> Tensor:
    """How many values are exactly 0: float32 (), on the tensor's device."""
    hits = room.like(tensor, torch.float32)
    torch.eq(tensor, 0, out=hits)  # into floats: half the time of a boolean mask and its count on a CPU
    return hits.sum()
