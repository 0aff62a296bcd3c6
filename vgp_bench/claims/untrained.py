"""Networks before their first step, for what is measured at initialization."""

from typing import NamedTuple

import torch

from vgp_bench.architectures.stages import Architecture, Stage
from vgp_bench.config import ComposedRun
from vgp_bench.monitor.probing import Probe
from vgp_bench.probe.measuring import loop_of
from vgp_bench.training.loop import Loop


class Untrained(NamedTuple):
    """loop: the training at its first step; model: in training mode; probe: images of the training data."""

    loop: Loop
    model: Architecture
    probe: Probe

    def backward(self, inputs: int) -> None:
        """dL/dtheta of the mean loss over the first `inputs` of the probe set, into .grad."""
        self.model.zero_grad()
        outputs = self.model(self.probe.inputs[:inputs])
        self.probe.objective.loss(outputs, self.probe.targets[:inputs]).backward()


def untrained(composed: ComposedRun) -> Untrained:
    """Builds the run. Raises ConfigError or DataError as the run itself would."""
    loop = loop_of(composed)
    assert isinstance(loop.model, Architecture)
    assert loop.monitor.probe is not None
    return Untrained(loop, loop.model, loop.monitor.probe)


def weight_gradient(stage: Stage) -> float:
    """||dL/dW_l||_2 of what lies in .grad, summed in float64."""
    parts = [weight.grad.double().norm() for weight in stage.weights() if weight.grad is not None]
    return float(torch.stack(parts).norm()) if parts else float("nan")
