"""The hidden stages of a network before its first step, on one batch of the run's size: no run, hence quick."""

from vgp_bench.claims.evidence import Measured
from vgp_bench.claims.untrained import untrained
from vgp_bench.config import ComposedRun
from vgp_bench.monitor.gauge import StageGauge, all_weights
from vgp_bench.monitor.observation import Observation
from vgp_bench.monitor.update import WeightUpdate

COLUMNS = (
    "depth",
    "activation_gradient_l2",
    "weight_gradient_l2",
    "activation_mean",
    "activation_std",
    "zero_fraction",
)


def measure(composed: ComposedRun) -> Measured:
    """COLUMNS of the layer table (docs/columns.md), a value a hidden stage, input first; the network in training mode.

    The batch is the beginning of the probe set, which are training images.
    """
    net = untrained(composed)
    gauges = [StageGauge(stage) for stage in net.model.stages()]
    nothing_dead = [float("nan")] * len(gauges)
    observation = Observation(gauges, WeightUpdate(all_weights(gauges)), 0, nothing_dead)
    net.backward(net.loop.settings.batch_size)
    observation.after_backward({})
    hidden = sorted((row for row in observation.rows() if row.kind == "hidden"), key=lambda row: row.stage)
    return {name: [float(getattr(row, name)) for row in hidden] for name in COLUMNS}
