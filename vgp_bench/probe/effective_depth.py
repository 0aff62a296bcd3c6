"""How many layers learn at the start: those whose update is large enough and whose gradient is more than noise."""

import math
from typing import NamedTuple

from vgp_bench.probe.limits import LEAST_UPDATE, SIGNAL_TO_NOISE
from vgp_bench.probe.measuring import Measured


class EffectiveDepth(NamedTuple):
    """learning: stages with both, of those with weights; still: too small an update; noisy: too little signal."""

    learning: int
    stages: int
    still: int
    noisy: int


def effective_depth(found: Measured) -> EffectiveDepth:
    """From the update-to-weight ratio of the first step and the signal to noise of the weight gradient before it."""
    updates = [row.update_ratio for row in found.trial.steps.layers]
    pairs = list(zip(updates, found.start.signals_to_noise, strict=True)) if updates else []
    # A stage that began at 0 has no ratio: it left 0, if it has a gradient.
    known = [(math.inf if math.isnan(update) else update, signal) for update, signal in pairs if not math.isnan(signal)]
    moving = [update >= LEAST_UPDATE for update, _ in known]
    clear = [signal > SIGNAL_TO_NOISE for _, signal in known]
    both = sum(a and b for a, b in zip(moving, clear, strict=True))
    return EffectiveDepth(both, len(known), moving.count(False), clear.count(False))
