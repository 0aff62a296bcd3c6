"""What is looked up once for a stage, so that a logged step has less to do."""

from collections.abc import Sequence

from torch import nn

from vgp_bench.architectures.stages import Stage
from vgp_bench.components.activations import activation_modules
from vgp_bench.components.saturation import saturation_counter
from vgp_bench.monitor.returned import returned_of


class StageGauge:
    """The weights of a stage, its activations and how their saturation is counted.

    returned: what is counted in h, where h is what the activation gave.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.weights = [weight for weight in stage.weights() if weight.requires_grad]
        self.size = sum(weight.numel() for weight in self.weights)
        self.activations = [(module, saturation_counter(module)) for module in activation_modules(stage.module)]
        self.returned = returned_of(stage)


def all_weights(gauges: Sequence[StageGauge]) -> list[nn.Parameter]:
    """The measured weights of all stages, in depth order."""
    return [weight for gauge in gauges for weight in gauge.weights]
