"""Zero fraction: the share of activation outputs that are exactly 0.

Sparsity, not death: a ReLU net as He et al. 2015 initialize it has one half. See dead.py for death.
"""

import torch
from torch import Tensor


def zero_count(tensor: Tensor) -> Tensor:
    """How many values are exactly 0: float32 (), on the tensor's device."""
    hits = torch.empty_like(tensor, dtype=torch.float32)
    torch.eq(tensor, 0, out=hits)  # into floats: half the time of a boolean mask and its count on a CPU
    return hits.sum()
