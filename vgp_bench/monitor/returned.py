"""The look at a stage that returns what its activation gives, as in a plain MLP or CNN: one for forward and backward.

Where there is a graph, autograd keeps such a result unchanged until its gradient has come (components.kept_results). So
h, its activation and its gradient can all be seen at that moment: on a CPU to interrupt the training once more costs as
much as the numbers. Where there is none, h is seen at once.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from vgp_bench.architectures.stages import Stage
from vgp_bench.components.counting import EQUAL, as_array, count
from vgp_bench.components.kept_results import ResultCounter, result_counter, returned_activation
from vgp_bench.monitor.layer_figures import LayerFigures


@dataclass(frozen=True)
class Returned:
    """What is counted in h. zero_is_saturated: of a ReLU, where one count serves both."""

    count_saturated: ResultCounter
    zero_is_saturated: bool


def returned_of(stage: Stage) -> Returned | None:
    """None for a stage that returns anything else."""
    activation = returned_activation(stage.module)
    if activation is None:
        return None
    return Returned(result_counter(activation), type(activation) is nn.ReLU)


class ReturnedLook:
    """At one output h of the stage: when the first gradient comes, or when somebody says see()."""

    def __init__(self, figures: LayerFigures, returned: Returned, h: Tensor) -> None:
        self._figures = figures
        self._returned = returned
        self._unseen: Tensor | None = h

    def on_gradient(self, gradient: Tensor) -> None:
        """dL/dh."""
        self.see()
        self._figures.add_gradient(gradient)

    def see(self) -> None:
        """h itself, once."""
        if (h := self._unseen) is None:
            return
        self._unseen = None
        array = as_array(h)
        values = h if array is None else array
        self._figures.add_output(values)
        saturated = self._returned.count_saturated(values)
        zeros = saturated if self._returned.zero_is_saturated else count(EQUAL, values, 0.0)
        self._figures.add_activation(saturated, zeros, h.numel())
