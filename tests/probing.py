"""Help for tests: one statistic of the probe set, by the pass that measures it in a run."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vgp_bench.architectures.stages import Architecture, Stage
from vgp_bench.data.objectives import Objective
from vgp_bench.monitor.dead import DeadUnits
from vgp_bench.monitor.histogram import Histograms
from vgp_bench.monitor.probing import show
from vgp_bench.records.rows import HistogramRow


class Chain(Architecture):
    """Given layers, one stage each."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def stages(self) -> list[Stage]:
        last = len(self.layers) - 1
        return [Stage(str(i), m, i + 1, "output" if i == last else "hidden") for i, m in enumerate(self.layers)]

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.layers(inputs)
        return outputs


class Aimless(Objective):
    """Asks for outputs of 0, whatever the targets are: for tests of what does not depend on a loss."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return outputs.square().mean()

    def correct(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return torch.zeros(())


def dead_fractions(model: nn.Module, stages: Sequence[Stage], inputs: Tensor) -> list[float]:
    """Of each stage the share of dead units; NaN for a stage without activation."""
    units = DeadUnits(stages)
    show(model, inputs, [units])
    return units.fractions()


def histogram_rows(model: nn.Module, stages: Sequence[Stage], inputs: Tensor) -> list[HistogramRow]:
    """The histograms of all stages, as of step 0."""
    values = Histograms(stages)
    show(model, inputs, [values])
    return values.rows(0)
