"""Room for one intermediate result at a time.

Fresh memory from the system can cost more than the numbers written into it: a look at an MLP of 8 x 256 units met 800
page faults, and 8 % of its time went when most of them did.
"""

import torch
from torch import Tensor


class Room:
    """like() gives the same memory each time: what it held before is gone."""

    def __init__(self) -> None:
        self._memory: dict[tuple[torch.dtype, torch.device], Tensor] = {}

    def like(self, tensor: Tensor, dtype: torch.dtype | None = None) -> Tensor:
        """Values to be written, contiguous, of this tensor's shape and device, and of its type if none is given."""
        key, size = (dtype or tensor.dtype, tensor.device), tensor.numel()
        if key not in self._memory or len(self._memory[key]) < size:
            self._memory[key] = torch.empty(size, dtype=key[0], device=tensor.device)
        return self._memory[key][:size].view(tensor.shape)
