"""What the training loop holds: knows the stages, and when to look at them."""

import math

from torch.optim import Optimizer

from vgp_bench.architectures.recurrent import Recurrent
from vgp_bench.architectures.stages import Architecture
from vgp_bench.monitor.angles import angle_rows
from vgp_bench.monitor.cadence import Cadence
from vgp_bench.monitor.dead import DeadUnits
from vgp_bench.monitor.flow import flow_rows
from vgp_bench.monitor.gauge import StageGauge, all_weights
from vgp_bench.monitor.histogram import Histograms
from vgp_bench.monitor.momentum_update import update_of
from vgp_bench.monitor.observation import Observation
from vgp_bench.monitor.probing import Probe, show
from vgp_bench.monitor.through_time import SEQUENCES, time_rows
from vgp_bench.records.rows import AngleRow, HistogramRow, ProbeRow, TimeRow


class Monitor:
    """begin() before each step. Without a probe no dead units, nothing else of a probe set.

    optimizer: whoever steps the weights, if it is known: updates are then measured with what it tells.
    """

    def __init__(
        self, model: Architecture, cadence: Cadence, probe: Probe | None, optimizer: Optimizer | None = None
    ) -> None:
        self.model = model
        self.cadence = cadence
        self.probe = probe
        self.stages = [] if cadence.is_off else model.stages()
        self.gauges = [StageGauge(stage) for stage in self.stages]
        self.update = update_of(all_weights(self.gauges), optimizer)

    def begin(self, step: int, last_step: int) -> Observation | None:
        """An observation of the step about to be taken, or None at a step that is not logged."""
        if not self.cadence.logs(step, last_step):
            return None
        dead = [math.nan] * len(self.stages)
        probed: list[HistogramRow | ProbeRow | AngleRow] = []
        if self.probe is not None and self.cadence.probes(step, last_step):
            units, values = DeadUnits(self.stages), Histograms(self.stages)
            show(self.model, self.probe.inputs, [units, values])
            dead = units.fractions()
            flow = flow_rows(self.model, self.stages, self.probe, step)
            probed = [*values.rows(step), *flow, *angle_rows(self.model, self.stages, self.probe, step)]
        return Observation(self.gauges, self.update, step, dead, probed)

    def through_time(self, step: int, last_step: int) -> list[TimeRow]:
        """The gradient through time before a probed step, if the network has a time axis; no rows at other steps."""
        probe = self.probe
        if probe is None or not isinstance(self.model, Recurrent) or not self.cadence.probes(step, last_step):
            return []
        return time_rows(self.model, probe.inputs[:SEQUENCES], probe.targets[:SEQUENCES], probe.objective, step)
