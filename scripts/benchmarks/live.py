"""What the Monitor costs in a loop of somebody else's: that loop with it / without it, and with other watchers."""

import contextlib
import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import vgp_bench
from benchmarks.timing import Ratio, paired

STEPS = 500
Watcher = Callable[[nn.Module, torch.optim.Optimizer], AbstractContextManager[Callable[[Tensor], None]]]


class Recurrent(nn.Module):
    """An LSTM over 28 rows of 28, and a classifier of its last output."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(28, 128, batch_first=True), nn.Linear(128, 10)

    def forward(self, rows: Tensor) -> Tensor:
        logits: Tensor = self.head(self.lstm(rows)[0][:, -1])
        return logits


def mlp() -> nn.Module:
    """784 - 8 x 256 - 10."""
    hidden = [module for _ in range(7) for module in (nn.Linear(256, 256), nn.ReLU())]
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), *hidden, nn.Linear(256, 10))


def cnn() -> nn.Module:
    """Four convolutions of 16 channels with batch normalization, on 28 x 28."""
    layers: list[nn.Module] = [nn.Unflatten(1, (1, 28))]
    for before in (1, 16, 16, 16):
        layers += [nn.Conv2d(before, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if before == 16 else []
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * 3 * 3, 10))


def training(make: Callable[[], nn.Module], steps: int, watcher: Watcher) -> Callable[[], None]:
    """So many steps of the loop from the beginning, on data that lies ready."""
    inputs, targets = torch.randn(64, 28, 28), torch.randint(0, 10, (64,))

    def run() -> None:
        torch.manual_seed(0)
        model = make()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        with watcher(model, optimizer) as log:
            for _ in range(steps):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(inputs), targets)
                log(loss)
                loss.backward()
                optimizer.step()

    return run


def bare(model: nn.Module, optimizer: torch.optim.Optimizer) -> AbstractContextManager[Callable[[Tensor], None]]:
    """Nobody looks."""
    return nullcontext(lambda loss: None)


@contextlib.contextmanager
def ours(model: nn.Module, optimizer: torch.optim.Optimizer) -> Iterator[Callable[[Tensor], None]]:
    """The Monitor as it is by default, verdict included."""
    with vgp_bench.Monitor(model, optimizer) as monitor:
        yield monitor.log
    monitor.report()


@contextlib.contextmanager
def watched_by_wandb(model: nn.Module, optimizer: torch.optim.Optimizer) -> Iterator[Callable[[Tensor], None]]:
    """wandb.watch as it is by default (histograms of all gradients, every 1000th backward pass) but every 50th."""
    import wandb

    with tempfile.TemporaryDirectory() as folder:
        os.environ["WANDB_SILENT"] = "true"
        run: Any = wandb.init(mode="offline", dir=folder, project="bench")
        run.watch(model, log="all", log_freq=50)
        yield lambda loss: run.log({"loss": loss})
        run.finish()


def benchmark(pairs: int, steps: int = STEPS) -> list[Ratio]:
    """Each network with the Monitor / without; the perceptron also with wandb.watch, if that is installed."""
    found = []
    for name, make, share in (
        ("MLP 8 x 256", mlp, 1.0),
        ("CNN 4 x 16", cnn, 0.4),
        ("LSTM 128, 28 steps", Recurrent, 1.0),
    ):
        count = int(steps * share)
        title = f"own loop with Monitor / without, {name}, batch 64, {count} steps"
        found.append(paired(title, "at most 1.05", training(make, count, ours), training(make, count, bare), pairs))
    if importlib.util.find_spec("wandb") is not None:
        title = f"own loop with wandb.watch / without, MLP 8 x 256, batch 64, {steps} steps"
        found.append(
            paired(title, "-", training(mlp, steps, watched_by_wandb), training(mlp, steps, bare), max(2, pairs // 2))
        )
    return found
