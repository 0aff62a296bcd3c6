"""Unstable: the gradient norm jumps again and again (z-score of its logarithm, as in ZClip: Kumar et al. 2025)."""

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Evidence, Symptom
from vgp_bench.diagnosis.thresholds import SETTLED, SPIKE, SPIKE_MEMORY, SPIKES

RANK = 90


def find(case: Case) -> Symptom | None:
    """The symptom over the last SETTLED logged steps."""
    steps, norms = case.column("steps", "step"), np.asarray(case.column("steps", "gradient_l2"), dtype=float)
    usable = np.flatnonzero(np.isfinite(norms) & (norms > 0))
    if len(usable) < 2 * SETTLED:
        return None
    logs, steps = np.log(norms[usable]), steps[usable]
    mean, variance = float(logs[:SETTLED].mean()), float(logs[:SETTLED].var())
    spikes = []
    for step, value in zip(steps[SETTLED:], logs[SETTLED:], strict=True):
        if value - mean > SPIKE * max(variance, 1e-12) ** 0.5:
            spikes.append(int(step))
        mean = SPIKE_MEMORY * mean + (1 - SPIKE_MEMORY) * float(value)
        variance = SPIKE_MEMORY * variance + (1 - SPIKE_MEMORY) * (float(value) - mean) ** 2
    recent = [step for step in spikes if step >= steps[-SETTLED]]
    if len(recent) < SPIKES:
        return None
    count = float(len(recent))
    return Symptom("unstable", Evidence.exact(f"spikes in {SETTLED} steps", count, SPIKES - 0.5), recent[0])
