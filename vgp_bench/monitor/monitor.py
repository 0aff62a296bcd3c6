"""What the training loop holds: knows the stages, and when to look at them."""

import math

from torch import Tensor

from vgp_bench.architectures.stages import Architecture
from vgp_bench.monitor.cadence import Cadence
from vgp_bench.monitor.dead import dead_fractions
from vgp_bench.monitor.observation import Observation, StageGauge, all_weights
from vgp_bench.monitor.update import WeightUpdate


class Monitor:
    """probe_images: the fixed probe set, normalized, (n, channels, height, width) on the model's device."""

    def __init__(self, model: Architecture, cadence: Cadence, probe_images: Tensor | None) -> None:
        self.model = model
        self.cadence = cadence
        self.probe_images = probe_images
        self.stages = [] if cadence.is_off else model.stages()
        self.gauges = [StageGauge(stage) for stage in self.stages]
        self.update = WeightUpdate(all_weights(self.gauges))

    def begin(self, step: int, last_step: int) -> Observation | None:
        """An observation of the step about to be taken, or None at a step that is not logged."""
        if not self.cadence.logs(step, last_step):
            return None
        dead = [math.nan] * len(self.stages)
        if self.probe_images is not None and self.cadence.probes(step, last_step):
            dead = dead_fractions(self.model, self.stages, self.probe_images)
        return Observation(self.gauges, self.update, step, dead)
