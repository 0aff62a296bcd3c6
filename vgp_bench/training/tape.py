"""Loss and accuracy of every step, kept on the device until the host has time to read them.

The host would have to wait for the device to read a loss; a step that writes to a tape waits for nobody. The position
is a tensor too, so that a captured CUDA graph would write to the right place at every replay.
"""

import torch
from torch import Tensor

COLUMNS = 5  # loss, right answers, gradient norm, whether the step was clipped, learning rate


class StepTape:
    """Room for `capacity` steps; read() must be called before it is full."""

    def __init__(self, capacity: int, device: torch.device) -> None:
        self.capacity = capacity
        self.values = torch.full((capacity, COLUMNS), torch.nan, dtype=torch.float64, device=device)
        self.position = torch.zeros(1, dtype=torch.int64, device=device)
        self.length = 0

    def write(self, loss: Tensor, correct: Tensor, gradient_l2: Tensor, clipped: Tensor, rate: Tensor | float) -> None:
        """Note one step; 0-d tensors on the device, but for a rate that is a number."""
        if not isinstance(rate, Tensor):
            rate = torch.full((), rate, dtype=torch.float64, device=self.values.device)
        row = torch.stack([loss.double(), correct.double(), gradient_l2.double(), clipped.double(), rate.double()])
        self.values.index_copy_(0, self.position, row.unsqueeze(0))
        self.position += 1

    def advance(self) -> bool:
        """Tell the host that a step was written; whether the tape is now full."""
        self.length += 1
        return self.length == self.capacity

    def read(self) -> list[tuple[float, float, float, float, float]]:
        """(loss, correct, gradient norm, clipped, rate) of each step since the last reading; rewinds. Waits for the
        device."""
        rows = self.values[: self.length].tolist()
        self.position.zero_()
        self.length = 0
        return [tuple(row) for row in rows]
