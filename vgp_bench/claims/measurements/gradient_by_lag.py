"""The gradient by time lag (times.parquet), of few sequences: unrolling is slow, and a ratio of norms needs no more."""

import torch

from vgp_bench.architectures.recurrent import Recurrent
from vgp_bench.claims.untrained import untrained
from vgp_bench.config import ComposedRun
from vgp_bench.monitor.through_time import time_rows

SEQUENCES = 4


def measure(composed: ComposedRun) -> dict[str, list[float]]:
    """lag, state = ||dL/dh_t||_2 and cell = ||dL/dc_t||_2 (NaN without a cell), in float64, from lag 0 on; radius: the
    spectral radius of W_h, where a net without gates has one square matrix of them."""
    net = untrained(composed)
    assert isinstance(net.model, Recurrent)
    inputs, targets = net.probe.inputs[:SEQUENCES], net.probe.targets[:SEQUENCES]
    rows = sorted(time_rows(net.model, inputs, targets, net.probe.objective, 0), key=lambda row: row.lag)
    return {
        "lag": [float(row.lag) for row in rows],
        "state": [row.state_gradient_l2 for row in rows],
        "cell": [row.cell_gradient_l2 for row in rows],
        "radius": [_radius(net.model)],
    }


def _radius(model: Recurrent) -> float:
    (weight,) = (value for name, value in model.named_parameters() if name.endswith("hidden_to_hidden.weight"))
    if weight.shape[0] != weight.shape[1]:
        return float("nan")
    return float(torch.linalg.eigvals(weight.detach().double()).abs().max())
