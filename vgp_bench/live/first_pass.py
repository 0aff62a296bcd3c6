"""The first forward pass of a foreign model: recorded call by call, for the stages are found from it."""

from collections.abc import Callable, Sequence

from torch import nn

from vgp_bench.errors import ConfigError
from vgp_bench.live.calls import Call, CallTrace
from vgp_bench.live.finding_stages import find_stages
from vgp_bench.live.measured_step import Instruments
from vgp_bench.live.taps import TappedStage


class FirstPass:
    """Records until stop(). done: called when a call of the whole model has ended."""

    def __init__(self, model: nn.Module, done: Callable[[], None]) -> None:
        self._model, self._trace = model, CallTrace(model, done)

    @property
    def calls(self) -> Sequence[Call]:
        """The calls so far, in the order in which they ended."""
        return self._trace.calls

    def stop(self) -> None:
        """Take every hook away."""
        self._trace.stop()

    def instruments(self) -> Instruments:
        """What measures the stages that ran. Raises ConfigError if none with weights did."""
        found = find_stages(self._model, self._trace.calls)
        if not found:
            raise ConfigError(
                "Monitor: no layer with weights ran in a forward pass of this model before optimizer.step(): give it "
                "the very model that the loop calls, not a copy or its compiled form"
            )
        return Instruments([TappedStage(stage) for stage in found])
