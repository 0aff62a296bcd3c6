"""Update-to-weight ratio ||W_l after - W_l before||_2 / ||W_l before||_2 of the step the optimizer really took.

About 1e-3 is the folk target; a layer far below it does not learn, whatever its gradient. Taken from the weights
themselves, it holds for every optimizer, with momentum, clipping and weight decay in it;
momentum_update.py has a quicker way where it comes to the same but for rounding.
"""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from vgp_bench.monitor.norms import Figure, on_one_gpu, true_norm, true_norms


class Update(Protocol):
    """Measures one step: remember() before it, moved() once after it."""

    def remember(self) -> Sequence[Figure]:
        """||W||_2 of each weight as it is now."""

    def moved(self) -> Sequence[Figure]:
        """||W - W then||_2 of each weight."""


class WeightUpdate:
    """Compares weights before and after the optimizer's step; keeps room for a copy of them.

    The room is taken once: fetching fresh memory from the system at every logged step costs more than the numbers.
    On the CPU one weight comes after the other, so that its norm finds in the cache what was just written; on a GPU all
    go at once.
    """

    def __init__(self, weights: Sequence[Tensor]) -> None:
        self.weights = [weight.detach() for weight in weights]
        self._copies: list[Tensor] = []
        self._one_by_one = not on_one_gpu(self.weights)

    def remember(self) -> Sequence[Figure]:
        """Copy the weights as they are now; returns ||W||_2 of each."""
        if not self.weights:
            return []
        if not self._copies:
            self._copies = [torch.empty_like(weight) for weight in self.weights]
        if self._one_by_one:
            return [true_norm(copy.copy_(weight)) for copy, weight in zip(self._copies, self.weights, strict=True)]
        torch._foreach_copy_(self._copies, self.weights)
        return true_norms(self._copies)

    def moved(self) -> Sequence[Figure]:
        """||W - W remembered||_2 of each weight; once after each remember()."""
        if not self.weights:
            return []
        if self._one_by_one:
            return [true_norm(copy.sub_(weight)) for copy, weight in zip(self._copies, self.weights, strict=True)]
        torch._foreach_sub_(self._copies, self.weights)
        return true_norms(self._copies)
