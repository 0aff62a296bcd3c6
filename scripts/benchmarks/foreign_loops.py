"""Training loops of somebody else's, as people write them: a network, data that lies ready, five lines a step."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Watcher = Callable[[nn.Module, torch.optim.Optimizer], AbstractContextManager[Callable[[Tensor], None]]]
"""Looks at a training as long as its block lasts, and gives a function that is told the loss of every step."""


class Seconds(NamedTuple):
    """On the clock, and of all threads of this process together, which other work on the machine lengthens less."""

    clock: float
    core: float


@dataclass(frozen=True)
class ForeignLoop:
    """make: the network; batch: inputs and their shape; steps: as many as are timed."""

    name: str
    make: Callable[[], nn.Module]
    batch: tuple[int, ...]
    steps: int

    def run(self, watcher: Watcher) -> Seconds:
        """The time of the loop from the beginning; entering and leaving the watcher's block counts, too."""
        torch.manual_seed(0)
        inputs, targets = torch.randn(self.batch), torch.randint(0, 10, self.batch[:1])
        model = self.make()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        clock, core = time.perf_counter(), time.process_time()
        with watcher(model, optimizer) as log:
            for _ in range(self.steps):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(inputs), targets)
                log(loss)
                loss.backward()
                optimizer.step()
        return Seconds(time.perf_counter() - clock, time.process_time() - core)


class Recurrent(nn.Module):
    """An LSTM over 28 rows of 28, and a classifier of its last output."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(28, 128, batch_first=True), nn.Linear(128, 10)

    def forward(self, rows: Tensor) -> Tensor:
        logits: Tensor = self.head(self.lstm(rows)[0][:, -1])
        return logits


class Block(nn.Module):
    """Two convolutions with batch normalization and a way around them (He et al. 2016, section 4.2)."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(before, after, 3, after // before, 1, bias=False)
        self.two = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(after) for _ in range(2))
        self.around = nn.Identity() if before == after else nn.Conv2d(before, after, 1, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.norms[0](self.one(x)))
        return F.relu(self.norms[1](self.two(h)) + self.around(x))


def resnet8() -> nn.Module:
    """The smallest ResNet for 32 x 32 images: one block for each of 16, 32 and 64 channels."""
    inward = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    blocks = [Block(16, 16), Block(16, 32), Block(32, 64)]
    return nn.Sequential(*inward, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def mlp() -> nn.Module:
    """784 - 8 x 256 - 10."""
    hidden = [module for _ in range(7) for module in (nn.Linear(256, 256), nn.ReLU())]
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), *hidden, nn.Linear(256, 10))


LOOPS = (
    ForeignLoop("MLP 8 x 256, batch 64", mlp, (64, 28, 28), 500),
    ForeignLoop("ResNet-8, batch 16 of 32 x 32", resnet8, (16, 3, 32, 32), 200),
    ForeignLoop("LSTM 128, batch 64 of 28 steps", Recurrent, (64, 28, 28), 300),
)
