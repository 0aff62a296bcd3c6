"""Zero fraction: the share of activation outputs that are exactly 0.

Sparsity, not death: a ReLU net as He et al. 2015 initialize it has one half. See dead.py for death.
"""

import torch
from torch import Tensor

from vgp_bench.components.counting import EQUAL, as_array, count
from vgp_bench.monitor.norms import Figure
from vgp_bench.monitor.room import Room


def zero_count(tensor: Tensor, room: Room) -> Figure:
    """How many values are exactly 0."""
    array = as_array(tensor)
    return count(EQUAL, tensor, 0, room.like(tensor, torch.float32)) if array is None else count(EQUAL, array, 0)
