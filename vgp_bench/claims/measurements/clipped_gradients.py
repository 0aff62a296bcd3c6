"""||dL/dW_l|| of every layer before and after the run's own clipping, at its first step."""

from vgp_bench.claims.untrained import untrained, weight_gradient
from vgp_bench.config import ComposedRun

INPUTS = 64


def measure(composed: ComposedRun) -> dict[str, list[float]]:
    """before, after: ||dL/dW_l||_2, input first; acted: 1 if clipping changed anything, else 0."""
    net = untrained(composed)
    stages, step = net.model.stages(), net.loop.step
    net.backward(INPUTS)
    before = [weight_gradient(stage) for stage in stages]
    acted = 0.0
    if step.clipping is not None:
        acted = float(step.clipping.clip(step.parameters, step.gradient_norms().whole()))
    return {"before": before, "after": [weight_gradient(stage) for stage in stages], "acted": [acted]}
