"""Learning-rate schedules: torch's own, with their lengths given as shares of the whole training.

Each function: (optimizer, total_steps, ...) -> a scheduler to be stepped once after every optimizer step.
"""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LRScheduler, MultiStepLR

from vgp_bench.errors import ConfigError


def constant(optimizer: Optimizer, total_steps: int) -> LRScheduler:
    """The optimizer's own rate throughout."""
    return ConstantLR(optimizer, factor=1.0, total_iters=0)


def step(optimizer: Optimizer, total_steps: int, milestones: list[float], factor: float = 0.1) -> LRScheduler:
    """The rate times `factor` at each milestone, a share of all steps (He et al. 2015: 1/2 and 3/4, factor 0.1)."""
    if not all(0 < share < 1 for share in milestones):
        raise ConfigError(f"schedule.milestones={milestones}: shares of the training, each between 0 and 1")
    return MultiStepLR(optimizer, [round(share * total_steps) for share in sorted(milestones)], gamma=factor)


def cosine(optimizer: Optimizer, total_steps: int, final: float = 0.0) -> LRScheduler:
    """Half a cosine from the optimizer's rate to `final` times it (Loshchilov & Hutter 2017, eq. 5, no restart)."""
    if not 0 <= final <= 1:
        raise ConfigError(f"schedule.final={final}: a share of the first learning rate, between 0 and 1")
    rates = {group["lr"] for group in optimizer.param_groups}
    return CosineAnnealingLR(optimizer, T_max=max(total_steps, 1), eta_min=final * float(max(rates)))
