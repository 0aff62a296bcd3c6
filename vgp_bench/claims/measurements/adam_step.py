"""How far the run's optimizer moves a weight at its first step, by the size of the gradient."""

import torch

from vgp_bench.claims.untrained import untrained
from vgp_bench.config import ComposedRun

SIZES = [10.0**-exponent for exponent in range(4, 12)]
INPUTS = 64


def measure(composed: ComposedRun) -> dict[str, list[float]]:
    """Mean |step| / learning rate over the weights: step, where every |g| is `size`; layer_step of each layer at the
    true gradient, and layer_formula: the mean of |g| / (|g| + eps) over the same weights, eps = 1e-8."""
    net = untrained(composed)
    optimizer = net.loop.optimizer
    rate = float(optimizer.param_groups[0]["lr"])
    weights = [stage.weights()[0] for stage in net.model.stages()]
    start = [weight.detach().clone() for weight in weights]

    def moved() -> list[float]:
        optimizer.step()
        steps = [float((w.detach() - s).abs().double().mean()) / rate for w, s in zip(weights, start, strict=True)]
        with torch.no_grad():
            for weight, value in zip(weights, start, strict=True):
                weight.copy_(value)
        optimizer.state.clear()  # the next step is a first one again
        return steps

    found = []
    for size in SIZES:
        for parameter in net.loop.step.parameters:
            parameter.grad = size * torch.where(torch.rand_like(parameter) < 0.5, -1.0, 1.0)
        steps = moved()
        found.append(sum(steps) / len(steps))
    net.backward(INPUTS)
    gradients = [weight.grad.double().abs() for weight in weights if weight.grad is not None]
    formula = [float((g / (g + 1e-8)).mean()) for g in gradients]
    sizes = [float(g.mean()) for g in gradients]
    return {"size": SIZES, "step": found, "layer_size": sizes, "layer_formula": formula, "layer_step": moved()}
