"""What is asked of a network's outputs: the loss to minimize, and when an answer counts as right."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


class Objective(ABC):
    """Compares outputs with targets, both of n samples."""

    @abstractmethod
    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean over the samples (and over the time steps, where each has a target): 0-d, differentiable."""

    @abstractmethod
    def correct(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """How many of the n samples are right: 0-d float, on the device. A sample with a target at every step counts
        with its share of right steps."""


@dataclass(frozen=True)
class Classification(Objective):
    """Cross-entropy in nats. outputs: (n, classes) or (n, length, classes); targets: int64 (n,) or (n, length).

    label_smoothing: share of the target spread evenly over all classes (Szegedy et al. 2016, section 7).
    """

    label_smoothing: float = 0.0

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs.flatten(0, -2), targets.flatten(), label_smoothing=self.label_smoothing)

    def correct(self, outputs: Tensor, targets: Tensor) -> Tensor:
        right = (outputs.detach().argmax(-1) == targets).float()
        return right.sum() / math.prod(targets.shape[1:])


@dataclass(frozen=True)
class Regression(Objective):
    """Mean squared error. outputs: (n, 1); targets: float32 (n,). Right: off by less than tolerance.

    Hochreiter & Schmidhuber 1997, section 5.4: an answer within 0.04 counts as right.
    """

    tolerance: float = 0.04

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return F.mse_loss(outputs.squeeze(-1), targets)

    def correct(self, outputs: Tensor, targets: Tensor) -> Tensor:
        off = (outputs.detach().squeeze(-1) - targets).abs()
        return (off < self.tolerance).sum(dtype=torch.float32)


@dataclass(frozen=True)
class Chance:
    """What an answer that ignores the input reaches: the level a network has to leave. NaN: not known."""

    loss: float
    accuracy: float
    answer: str
    """In words: 'always 1.0', say."""
