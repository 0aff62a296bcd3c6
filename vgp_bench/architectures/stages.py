"""The depth axis of a network: what every architecture promises to the monitor."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn


@dataclass(frozen=True)
class Stage:
    """A named place on the depth axis whose output is h_l.

    depth counts the weight layers from the input up to and including this stage, so that a residual block of two
    layers and two plain layers end at the same depth. Projection shortcuts do not count (He et al. 2015).
    """

    name: str
    module: nn.Module
    depth: int
    kind: Literal["hidden", "output"] = "hidden"

    def weights(self) -> list[nn.Parameter]:
        """W_l: weight matrices and filters of the stage; biases, gains and scalars excluded."""
        return [parameter for parameter in self.module.parameters() if parameter.ndim >= 2]


class Architecture(nn.Module, ABC):
    """A network that knows its stages. forward: (batch, channels, height, width) -> logits (batch, classes)."""

    @abstractmethod
    def stages(self) -> list[Stage]:
        """The stages in depth order, input to output; the last one is the classifier, of kind 'output'."""

    def finish_initialization(self) -> None:
        """What the architecture itself prescribes after the initializer ran (zero-init, Fixup, ...)."""

    @abstractmethod
    def forward(self, images: Tensor) -> Tensor: ...
