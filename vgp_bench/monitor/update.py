"""Update-to-weight ratio ||W_l after - W_l before||_2 / ||W_l before||_2 of the step the optimizer really took.

About 1e-3 is the folk target; a layer far below it does not learn, whatever its gradient. Taken from the weights
themselves, it holds for every optimizer, with momentum, clipping and weight decay in it.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


class WeightUpdate:
    """Keeps a copy of the weights until the optimizer has moved them."""

    def __init__(self, weights: Sequence[Tensor]) -> None:
        self.weights = [weight.detach() for weight in weights]
        self.before = [weight.clone() for weight in self.weights]

    def norms(self) -> tuple[list[Tensor], list[Tensor]]:
        """(||W before||_2, ||W after - W before||_2) of each weight tensor, 0-d float32.

        A weight moves by at least its own spacing of float32 values or not at all, so these squares do not underflow.
        """
        if not self.weights:
            return [], []
        moved = torch._foreach_sub(self.weights, self.before)
        return list(torch._foreach_norm(self.before)), list(torch._foreach_norm(moved))
