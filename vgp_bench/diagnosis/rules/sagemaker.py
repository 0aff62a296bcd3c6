"""Amazon SageMaker Debugger, built-in rules at their defaults: each looks at every saved step and fires by itself.

VanishingGradient: mean |dL/dW| of a tensor below 1e-7. ExplodingTensor: a value that is not finite. DeadRelu: units
active on less than 1 % of the inputs, more than half of a layer. SaturatedActivation: inputs of tanh beyond +-9.5 (in
the rule 9.4999), more than half of a layer. WeightUpdateRatio: below 1e-8 or above 10.

Approximated: saturation counts inputs, not units, and takes tanh's limits for sigmoid's. All activations without limits
on both sides count as ReLU. Left out in its favour: LossNotDecreasing, by default .1 % every 10 steps, which the noise
of any batch sets off; and PoorWeightInitialization, for which we have no verdict. Too great an update is our unstable.
"""

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Verdict
from vgp_bench.diagnosis.looks import looks
from vgp_bench.diagnosis.rules.tables import bounded, each_once, figures, is_broken, loss_is_lost

SMALL_GRADIENT = 1e-7
DEAD_LAYER, SATURATED_LAYER = 0.5, 0.5
LEAST_UPDATE, MOST_UPDATE = 1e-8, 10.0


def judge(case: Case) -> list[Verdict]:
    """What fires at any step, in the order in which it does."""
    found: list[tuple[int, Verdict]] = []
    for look in looks(case, "layers"):
        ratios = figures(look, "update_ratio")
        found += [(look.step, "exploding")] * is_broken(look)
        found += [(look.step, "update too small")] * bool((ratios < LEAST_UPDATE).any())
        found += [(look.step, "unstable")] * bool((ratios > MOST_UPDATE).any())
    for look in looks(case, "probes"):
        flat = figures(look, "extreme_input_fraction")[bounded(look)]
        silent = figures(look, "rare_units")[~bounded(look)]
        found += [(look.step, "vanishing")] * bool((figures(look, "weight_gradient_mean") < SMALL_GRADIENT).any())
        found += [(look.step, "dead units")] * bool((silent > DEAD_LAYER).any())
        found += [(look.step, "saturated")] * bool((flat > SATURATED_LAYER).any())
    if loss_is_lost(case):
        found.append((case.last_step, "exploding"))
    order = np.argsort([step for step, _ in found], kind="stable")
    return each_once(found[place][1] for place in order)
