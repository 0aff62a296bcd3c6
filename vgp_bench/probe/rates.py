"""How much of the run's learning rate lies ahead: a trial in the warm-up says more than its steps."""

from typing import Any

import torch

from vgp_bench.making import make


def trials_ahead(config: dict[str, Any], total_steps: int, tried: int) -> float:
    """Sum of the learning rates of the whole run over that of its first `tried` steps; inf if these are 0."""
    # Only the ratio counts, so any rate will do, and the run's own schedule need not be spent.
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make(config["schedule"], optimizer=optimizer, total_steps=total_steps)
    rates = []
    for _ in range(total_steps):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        schedule.step()
    first = sum(rates[:tried])
    return sum(rates) / first if first > 0 else float("inf")
