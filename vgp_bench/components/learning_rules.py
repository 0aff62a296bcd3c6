"""Learning rules: how the error at the output becomes an update of each weight. What to do with it is the optimizer's.

Whatever is measured of a backward pass is the signal that the rule sends back: dL/dh_l and dL/dW_l are the exact
derivatives under backpropagation and nothing else.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import nn


class LearningRule(ABC):
    """Changes how errors go back through a network; what it computes forward stays the same to the bit."""

    @abstractmethod
    def apply(self, model: nn.Module, seed: int) -> None:
        """Prepare an initialized model on the CPU, in place. seed: the run's.

        torch's global generator is left as it is, so that runs that differ in the rule begin with equal weights. What
        the rule adds to the model lies in its buffers, so in its checkpoints. Raises ConfigError.
        """


@dataclass(frozen=True)
class Backprop(LearningRule):
    """The exact gradient of the loss (Rumelhart, Hinton & Williams 1986): nothing to prepare."""

    def apply(self, model: nn.Module, seed: int) -> None: ...
