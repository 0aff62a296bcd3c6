"""How much one step of plain gradient descent changes what a network says (Wang et al. 2022, "DeepNet", section 3)."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from vgp_bench.claims.untrained import untrained
from vgp_bench.config import ComposedRun

RATE = 1e-6
"""Learning rate of the step: small, so that the change is proportional to it, in float64."""
INPUTS = 8


def measure(composed: ComposedRun) -> dict[str, list[float]]:
    """weights: change of F by a step of the matrices of the sublayers, all: of every parameter; the root mean square of
    F(x, theta - RATE g) - F(x, theta) over RATE and over that of n dL/dF, since the theorem takes dL/dF for constant.
    gradient: ||dL/dh_l|| of the hidden stages, input first."""
    net = untrained(composed)
    model = net.model.double()
    inputs, targets = net.probe.inputs[:INPUTS].double(), net.probe.targets[:INPUTS]
    states: list[Tensor] = []

    def keep(module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        output.retain_grad()
        states.append(output)

    handles = [stage.module.register_forward_hook(keep) for stage in model.stages() if stage.kind == "hidden"]
    before = model(inputs)
    before.retain_grad()
    net.probe.objective.loss(before, targets).backward()
    unit = RATE * INPUTS * _rms(before.grad)
    for handle in handles:
        handle.remove()
    weights = [weight for stage in model.stages()[1:-1] for weight in stage.weights()]
    others = set(model.parameters()) - set(weights)
    with torch.no_grad():
        _step(weights)
        by_weights = _rms(model(inputs) - before) / unit
        _step(others)
        by_all = _rms(model(inputs) - before) / unit
    gradients = [float(state.grad.norm()) for state in states if state.grad is not None]
    return {"weights": [by_weights], "all": [by_all], "gradient": gradients}


def _step(parameters: Iterable[nn.Parameter]) -> None:
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.sub_(RATE * parameter.grad)


def _rms(change: Tensor) -> float:
    return float(change.square().mean().sqrt())
