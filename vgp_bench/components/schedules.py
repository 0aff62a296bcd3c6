"""Learning-rate schedules: torch's own, with their lengths given as shares of the whole training.

Each function: (optimizer, total_steps, ...) -> a scheduler to be stepped once after every optimizer step.
warmup: share of all steps over which the rate first rises in a straight line (Goyal et al. 2017, section 2.2); the
schedule proper has the steps that remain.
"""

import math
from collections.abc import Callable

from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    ConstantLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    SequentialLR,
)

from vgp_bench.errors import ConfigError

Make = Callable[[Optimizer, int], LRScheduler]


def constant(optimizer: Optimizer, total_steps: int, warmup: float = 0.0) -> LRScheduler:
    """The optimizer's own rate throughout."""
    return _warmed(optimizer, total_steps, warmup, lambda chosen, steps: ConstantLR(chosen, factor=1.0, total_iters=0))


def step(
    optimizer: Optimizer, total_steps: int, milestones: list[float], factor: float = 0.1, warmup: float = 0.0
) -> LRScheduler:
    """The rate times `factor` at each milestone, a share of all steps (He et al. 2015: 1/2 and 3/4, factor 0.1)."""
    if not all(0 < share < 1 for share in milestones):
        raise ConfigError(f"schedule.milestones={milestones}: shares of the training, each between 0 and 1")
    if milestones and min(milestones) < warmup:
        raise ConfigError(f"schedule.milestones={milestones}: the first lies within schedule.warmup={warmup}")
    gone = _warmup_steps(total_steps, warmup)
    places = [max(1, round(share * total_steps) - gone) for share in sorted(milestones)]
    return _warmed(optimizer, total_steps, warmup, lambda chosen, steps: MultiStepLR(chosen, places, gamma=factor))


def cosine(optimizer: Optimizer, total_steps: int, final: float = 0.0, warmup: float = 0.0) -> LRScheduler:
    """Half a cosine from the optimizer's rate to `final` times it (Loshchilov & Hutter 2017, eq. 5, no restart)."""
    if not 0 <= final <= 1:
        raise ConfigError(f"schedule.final={final}: a share of the first learning rate, between 0 and 1")

    def falling(chosen: Optimizer, steps: int) -> LRScheduler:
        # A factor, not a lowest rate: groups with rates of their own each fall to `final` times theirs.
        return LambdaLR(chosen, lambda done: final + (1 - final) * (1 + math.cos(math.pi * done / max(steps, 1))) / 2)

    return _warmed(optimizer, total_steps, warmup, falling)


def one_cycle(
    optimizer: Optimizer, total_steps: int, rise: float = 0.3, start: float = 0.04, final: float = 4e-6
) -> LRScheduler:
    """Up to the optimizer's rate over the share `rise` of all steps, then down, along cosines (Smith & Topin 2018).

    start, final: shares of the optimizer's rate at the first step and after the last one. The rise is its warm-up.
    """
    for key, share in (("rise", rise), ("start", start), ("final", final)):
        if not 0 < share < 1:
            raise ConfigError(f"schedule.{key}={share}: a share, between 0 and 1")
    return OneCycleLR(
        optimizer,
        max_lr=[group["lr"] for group in optimizer.param_groups],
        total_steps=total_steps + 1,  # stepped once after the last optimizer step too
        pct_start=rise,
        div_factor=1 / start,
        final_div_factor=start / final,
        cycle_momentum=False,
    )


def _warmup_steps(total_steps: int, warmup: float) -> int:
    if not 0 <= warmup < 1:
        raise ConfigError(f"schedule.warmup={warmup}: a share of all steps, from 0 to below 1")
    steps = round(warmup * total_steps)
    return steps if steps > 1 else 0  # a rise of one step would begin at its end


def _warmed(optimizer: Optimizer, total_steps: int, warmup: float, make: Make) -> LRScheduler:
    steps = _warmup_steps(total_steps, warmup)
    if not steps:
        return make(optimizer, total_steps)
    # 1/n, 2/n, ..., 1 at steps 0 ... n - 1: never a step of rate 0.
    rise = LinearLR(optimizer, start_factor=1 / steps, total_iters=steps - 1)
    return SequentialLR(optimizer, [rise, make(optimizer, total_steps - steps)], milestones=[steps])
