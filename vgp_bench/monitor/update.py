"""Update-to-weight ratio ||W_l after - W_l before||_2 / ||W_l before||_2 of the step the optimizer really took.

About 1e-3 is the folk target; a layer far below it does not learn, whatever its gradient. Taken from the weights
themselves, it holds for every optimizer, with momentum, clipping and weight decay in it.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


class WeightUpdate:
    """Keeps a copy of the weights until the optimizer has moved them. norms: ||W before||_2 of each, 0-d.

    One weight after the other: copied and measured while it is in the processor's cache.
    """

    def __init__(self, weights: Sequence[Tensor]) -> None:
        self.weights = [weight.detach() for weight in weights]
        self.copies: list[Tensor] = []
        self.norms: list[Tensor] = []
        for weight in self.weights:
            copy = weight.clone()
            self.copies.append(copy)
            self.norms.append(torch.linalg.vector_norm(copy))

    def moved(self) -> list[Tensor]:
        """||W after - W before||_2 of each weight, 0-d; once, after the optimizer's step.

        A weight moves by at least its own spacing of float32 values or not at all, so these squares do not underflow.
        """
        return [
            torch.linalg.vector_norm(copy.sub_(weight)) for copy, weight in zip(self.copies, self.weights, strict=True)
        ]
