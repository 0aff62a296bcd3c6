"""A short training of anybody's network under the Monitor, for a verdict and nothing else."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from vgp_bench.errors import ConfigError
from vgp_bench.live.monitor import Monitor
from vgp_bench.live.own_parts import Batch, Loss

OPTIMIZERS: Mapping[str, Callable[..., Optimizer]] = {"sgd": SGD, "adam": Adam, "adamw": AdamW}


def train_shortly(
    model: nn.Module, batches: Iterable[Batch], loss_of: Loss, optimizer: str, lr: float, steps: int
) -> Monitor:
    """So many steps over the batches, again and again, on the CPU.

    Ends early when the loss is no longer finite. Raises ConfigError where model, batch and loss do not fit together.
    """
    if steps < 1:
        raise ConfigError(f"--steps {steps}: must be at least 1")
    if not lr > 0:
        raise ConfigError(f"--lr {lr}: must be above 0")
    if optimizer not in OPTIMIZERS:
        raise ConfigError(f"--optimizer {optimizer}: one of {', '.join(OPTIMIZERS)}")
    model.train()
    made = OPTIMIZERS[optimizer]([p for p in model.parameters() if p.requires_grad], lr=lr)
    with Monitor(model, made, every=5, overhead=None) as monitor:
        for inputs, targets in islice(_again(batches), steps):
            made.zero_grad()
            loss = _loss(model, inputs, targets, loss_of)
            monitor.log(loss)
            if not math.isfinite(loss.item()):
                break
            loss.backward()
            made.step()
    return monitor


def _loss(model: nn.Module, inputs: Any, targets: Tensor, loss_of: Loss) -> Tensor:
    try:
        loss = loss_of(model(inputs), targets)
    except ConfigError:
        raise
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError) as error:
        words = " ".join(str(error).split())[:300]
        raise ConfigError(f"model, batch and loss do not fit together: {type(error).__name__}: {words}") from error
    if not (isinstance(loss, Tensor) and loss.numel() == 1 and loss.requires_grad):
        raise ConfigError("the loss is not a single number that depends on the model's weights")
    return loss


def _again(batches: Iterable[Batch]) -> Iterator[Batch]:
    while True:
        yield from batches
