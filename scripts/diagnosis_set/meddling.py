"""Faults that begin in the midst of a training: an optimizer that meddles with the weights, a schedule that jumps."""

from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

What = Literal["add", "scale", "fill"]


class _Meddling:
    """At step `at`, counted from 0, after the update: parameters first ... last (in order of registration) are added
    to, multiplied or filled; from then on they are held so, if hold."""

    def meddle_with(
        self, parameters: list[nn.Parameter], at: int, first: int, last: int, what: What, value: float
    ) -> None:
        self.chosen, self.at, self.what, self.value, self.done = parameters[first : last + 1], at, what, value, 0

    def after_step(self) -> None:
        if self.done == self.at:
            with torch.no_grad():
                for parameter in self.chosen:
                    self._act(parameter)
        self.done += 1

    def _act(self, parameter: Tensor) -> None:
        if self.what == "add":
            parameter.add_(self.value)
        elif self.what == "scale":
            parameter.mul_(self.value)
        else:
            parameter.fill_(self.value)


class MeddlingSGD(_Meddling, torch.optim.SGD):
    """SGD, and once something else."""

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 0.05,
        momentum: float = 0.9,
        at: int = 100,
        first: int = 0,
        last: int = 0,
        what: What = "add",
        value: float = 0.0,
    ) -> None:
        parameters = list(params)
        super().__init__(parameters, lr=lr, momentum=momentum)
        self.meddle_with(parameters, at, first, last, what, value)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        result = super().step(closure)
        self.after_step()
        return result


class MeddlingAdam(_Meddling, torch.optim.Adam):
    """Adam, and once something else."""

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 0.002,
        at: int = 100,
        first: int = 0,
        last: int = 0,
        what: What = "add",
        value: float = 0.0,
    ) -> None:
        parameters = list(params)
        super().__init__(parameters, lr=lr)
        self.meddle_with(parameters, at, first, last, what, value)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        result = super().step(closure)
        self.after_step()
        return result


def jump(
    optimizer: Optimizer, total_steps: int, at: int = 100, length: int | None = None, factor: float = 100.0
) -> LRScheduler:
    """The learning rate times factor for `length` steps from step `at` on; null: until the end."""
    end = total_steps if length is None else at + length
    return LambdaLR(optimizer, lambda step: factor if at <= step < end else 1.0)


def jumps(
    optimizer: Optimizer, total_steps: int, start: int = 0, every: int = 20, factor: float = 100.0
) -> LRScheduler:
    """The learning rate times factor at one step in `every`, from step `start` on: training breaks off and recovers."""
    return LambdaLR(optimizer, lambda step: factor if step >= start and step % every == every - 1 else 1.0)
