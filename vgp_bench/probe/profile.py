"""Figures of one look, stage by stage and over the whole depth. Needs no torch."""

import math
from collections.abc import Sequence

import numpy as np

from vgp_bench.diagnosis.reach import reach_of, span_of
from vgp_bench.diagnosis.thresholds import FEWEST_STAGES
from vgp_bench.probe.looking import Look, as_columns
from vgp_bench.records.rows import LayerRow
from vgp_bench.records.signal import Decay, decay_per_layer, hidden_gradient


def reaches(look: Look) -> list[float]:
    """Of each stage S_l / mean ||dL_i/dlogits_i||: by how much the logits change for a change of h_l by its own size.

    NaN where the logits have no gradient: all inputs are right with certainty, or nothing is finite.
    """
    sizes = [row.sensitivity for row in look.probes]
    return [float(value) for value in reach_of(sizes, look.probes[-1].sample_gradient)]


def span(look: Look) -> float:
    """Decades by which S_l falls from the last hidden stage to the first, by a straight line through log10 S_l.

    NaN for fewer than FEWEST_STAGES hidden stages or what is not finite; inf where a stage has none: S_l = 0.
    """
    sizes = np.array([row.sensitivity for row in look.probes if row.kind == "hidden"])
    if len(sizes) < FEWEST_STAGES or not np.isfinite(sizes).all():
        return math.nan
    if (sizes == 0).any():
        return math.inf
    return span_of(sizes).slope


def measured_decay(look: Look) -> Decay:
    """Factor on ||dL/dh_l|| per weight layer going down, as a run's summary has it."""
    layers = as_columns(look.layers, LayerRow)
    return decay_per_layer(*hidden_gradient(layers, look.step))


def gradient_of_first(look: Look) -> float:
    """||dL/dh|| of the first hidden stage by that of the last one; NaN if there are not two."""
    _, gradient = hidden_gradient(as_columns(look.layers, LayerRow), look.step)
    return float(gradient[0] / gradient[-1]) if len(gradient) > 1 and gradient[-1] > 0 else math.nan


def least(values: Sequence[float]) -> float:
    """The least of those that were measured; NaN if none was."""
    known = [value for value in values if not math.isnan(value)]
    return min(known, default=math.nan)


def greatest(values: Sequence[float]) -> float:
    """The greatest of those that were measured; NaN if none was."""
    known = [value for value in values if not math.isnan(value)]
    return max(known, default=math.nan)
