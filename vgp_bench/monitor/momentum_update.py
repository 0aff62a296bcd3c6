"""The update of SGD with momentum, from the optimizer's own state instead of from the weights before and after.

torch's SGD moves W by exactly -lr b, where b = mu b + g + lambda W is the momentum it keeps (Polyak 1964; weight decay
lambda included): its norm is there without a copy of every weight, which on the CPU is a quarter of what a logged step
costs. What the weights themselves show differs by their rounding to float32, 3e-8 of ||W||: an update below that is
asked for and not done.
"""

from collections.abc import Sequence

from torch import nn
from torch.optim import SGD, Optimizer

from vgp_bench.monitor.norms import Figure, true_norm, true_norms
from vgp_bench.monitor.update import Update, WeightUpdate


class MomentumUpdate:
    """For an optimizer of which moves_by_momentum() holds. The weights are those of its parameters that it steps."""

    def __init__(self, weights: Sequence[nn.Parameter], optimizer: Optimizer) -> None:
        self._weights = weights
        self._optimizer = optimizer
        groups = {parameter: k for k, group in enumerate(optimizer.param_groups) for parameter in group["params"]}
        # By number: an optimizer that loads a state gets new groups, in the same order.
        self._groups = [groups[weight] for weight in weights]
        self._rates: list[float] = []

    def remember(self) -> Sequence[Figure]:
        """Note the learning rates, which a schedule may change after the step; returns ||W||_2 of each weight."""
        rates = [float(group["lr"]) for group in self._optimizer.param_groups]
        self._rates = [rates[group] for group in self._groups]
        return true_norms([weight.detach() for weight in self._weights])

    def moved(self) -> Sequence[Figure]:
        """lr ||b||_2 of each weight, after the step; 0 for a weight without a gradient, which SGD leaves alone, and
        while there is no momentum, as before the first step."""
        return [self._moved(weight, rate) for weight, rate in zip(self._weights, self._rates, strict=True)]

    def _moved(self, weight: nn.Parameter, rate: float) -> Figure:
        state = self._optimizer.state.get(weight)
        momentum = state.get("momentum_buffer") if state else None
        return 0.0 if weight.grad is None or momentum is None else rate * true_norm(momentum)


def moves_by_momentum(optimizer: Optimizer) -> bool:
    """Whether each step is -lr times the momentum kept: SGD with momentum, Nesterov's aside, on the CPU."""
    return type(optimizer) is SGD and all(
        group["momentum"] and not group["nesterov"] and all(parameter.is_cpu for parameter in group["params"])
        for group in optimizer.param_groups
    )


def update_of(weights: Sequence[nn.Parameter], optimizer: Optimizer | None) -> Update:
    """The quickest way to measure what this optimizer does to the weights."""
    if optimizer is not None and moves_by_momentum(optimizer):
        return MomentumUpdate(weights, optimizer)
    return WeightUpdate(weights)
