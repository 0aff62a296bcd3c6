"""The whole pipeline against mean-field theory: per-layer factors of ||dL/dh_l|| at initialization, width 1024.

Expectations: chi_1 at infinite width (Schoenholz et al. 2017), table in the project's facts; 5 % tolerance, because the
width is finite. Initializers: PyTorch's default (variance 1/(3n)), Xavier (1/n for square matrices), He (2/n).
"""

import math

import pytest
from torch.nn import functional as F

from tests.composing import compose
from vgp_bench.building import build
from vgp_bench.monitor.gauge import StageGauge, all_weights
from vgp_bench.monitor.observation import Observation
from vgp_bench.monitor.update import WeightUpdate
from vgp_bench.records.signal import decay_per_layer
from vgp_bench.theory.mean_field import ACTIVATIONS, per_layer_factor

DEPTH, WIDTH, BATCH = 20, 1024, 128

FACTORS = {
    ("sigmoid", "pytorch_default"): 0.1413,
    ("sigmoid", "xavier_normal"): 0.2361,
    ("sigmoid", "he_normal"): 0.3178,
    ("tanh", "pytorch_default"): 0.5745,
    ("tanh", "he_normal"): 1.051,
    ("relu", "pytorch_default"): 0.4082,
    ("relu", "xavier_normal"): 0.7071,
    ("relu", "he_normal"): 1.0,
}


def measured_factor(activation: str, initializer: str) -> float:
    """rho of a 20 x 1024 MLP on digits, from the same rows a run would write."""
    words = [f"architecture.depth={DEPTH}", f"architecture.width={WIDTH}", f"activation={activation}"]
    config = compose(*words, f"initializer={initializer}", f"trainer.batch_size={BATCH}").config
    loop = build({**config, "device": "cpu"}, lambda row: None)
    gauges = [StageGauge(stage) for stage in loop.model.stages()]
    observation = Observation(gauges, WeightUpdate(all_weights(gauges)), 0, [math.nan] * (DEPTH + 1))
    images, labels = next(loop.batches.epoch(0))
    F.cross_entropy(loop.model(images), labels).backward()
    observation.after_backward({})
    hidden = [row for row in observation.rows() if row.kind == "hidden"]
    return decay_per_layer([row.depth for row in hidden], [row.activation_gradient_l2 for row in hidden]).rho


@pytest.mark.parametrize(("activation", "initializer"), FACTORS)
def test_the_measured_decay_is_the_closed_form(activation: str, initializer: str) -> None:
    assert measured_factor(activation, initializer) == pytest.approx(FACTORS[activation, initializer], rel=0.05)


def test_tanh_with_xavier_reaches_criticality_only_algebraically() -> None:
    # chi_1 = 1 at the fixed point q* = 0, which is approached as 1/depth: .95 is the facts' figure at depth 20.
    assert measured_factor("tanh", "xavier_normal") == pytest.approx(0.95, rel=0.05)
    assert measured_factor("tanh", "xavier_normal") < per_layer_factor(ACTIVATIONS["tanh"], 1.0)


def test_a_wrong_initializer_would_be_noticed() -> None:
    assert measured_factor("relu", "uniform_001") != pytest.approx(1.0, rel=0.05)
