"""TheDeepChecker (Ben Braiek & Khomh 2023): checks of a training, of means over the latest steps.

Thresholds: vanishing mean |dL/dW| < 1e-6, exploding what is not finite; dead: units whose 95th percentile of |a| is
below 1e-5, more than half of a layer; saturated: rho_B, the distance of a bounded activation from its middle
(Rakitianskaia & Engelbrecht 2015), above .85; log10 of the update-to-weight ratio below -4 (update too small) or above
-1 (our unstable).

Approximated: which steps a check averages over, by the latest ten on record. Left out: its checks of data, labels,
initial weights and loss before a training, and of smoothness of the loss.
"""

from collections.abc import Sequence

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Verdict
from vgp_bench.diagnosis.looks import Look, looks
from vgp_bench.diagnosis.rules.tables import Figures, bounded, each_once, figures, is_broken, loss_is_lost

SMALL_GRADIENT = 1e-6
DEAD_LAYER, SATURATED = 0.5, 0.85
LEAST_UPDATE, MOST_UPDATE = -4.0, -1.0
STEPS = 10


def judge(case: Case) -> list[Verdict]:
    """All checks that fail over the latest steps."""
    found: list[Verdict] = []
    logged, probed = looks(case, "layers", "update_ratio")[-STEPS:], looks(case, "probes")[-STEPS:]
    if loss_is_lost(case) or any(map(is_broken, logged)):
        found.append("exploding")
    if probed:
        found += ["vanishing"] * bool((_mean(probed, "weight_gradient_mean") < SMALL_GRADIENT).any())
        found += ["dead units"] * bool((_mean(probed, "faint_units")[~bounded(probed[-1])] > DEAD_LAYER).any())
        found += ["saturated"] * bool((_mean(probed, "boundary_mean") > SATURATED).any())
    if logged:
        with np.errstate(divide="ignore"):
            update = np.log10(_mean(logged, "update_ratio"))
        found += ["update too small"] * bool((update < LEAST_UPDATE).any())
        found += ["unstable"] * bool((update > MOST_UPDATE).any())
    return each_once(found)


def _mean(table: Sequence[Look], name: str) -> Figures:
    """The mean of a column over the steps, stage by stage."""
    fewest = min(len(look.column("stage")) for look in table)
    mean: Figures = np.stack([figures(look, name)[:fewest] for look in table]).mean(0)
    return mean
