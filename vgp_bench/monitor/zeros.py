"""Zero fraction: the share of activation outputs that are exactly 0.

Sparsity, not death: a ReLU net as He et al. 2015 initialize it has one half. See dead.py for death.
"""

import torch
from torch import Tensor

from vgp_bench.components.counting import EQUAL, count
from vgp_bench.monitor.norms import Figure
from vgp_bench.monitor.room import Room


def zero_count(tensor: Tensor, room: Room) -> Figure:
    """How many values are exactly 0."""
    return count(EQUAL, tensor, 0, room.like(tensor, torch.float32))
