"""Networks as anybody writes them, without a thought of being measured; and a few steps of a plain loop."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vgp_bench.live.monitor import Monitor

CLASSES = 5


class Functional(nn.Module):
    """Activations as functions, one dropout for all layers."""

    def __init__(self, activation: Callable[[Tensor], Tensor] = F.relu, width: int = 12) -> None:
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(6, width), nn.Linear(width, width), nn.Linear(width, CLASSES)
        self.dropout = nn.Dropout(0.2)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        x = self.dropout(self.activation(self.fc1(x)))
        x = self.dropout(self.activation(self.fc2(x)))
        logits: Tensor = self.fc3(x)
        return logits


class SharedActivation(nn.Module):
    """One activation module at all places, called in place."""

    def __init__(self, activation: nn.Module | None = None) -> None:
        super().__init__()
        self.act = activation or nn.ReLU(inplace=True)
        self.layers = nn.ModuleList([nn.Linear(6, 12), nn.Linear(12, 12), nn.Linear(12, 12)])
        self.head = nn.Linear(12, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = self.act(layer(x))
        logits: Tensor = self.head(x)
        return logits


class SmallCNN(nn.Module):
    """Convolution, batch normalization, activation in place, dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2)),
            *(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Dropout(0.3)),
        )
        self.head = nn.Linear(8 * 4 * 4, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(x).flatten(1))
        return logits


class Residual(nn.Module):
    """Blocks with a skip connection, the sum written in place."""

    class Block(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(width, width), nn.Linear(width, width)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.two(F.relu(self.one(x)))
            out += x
            return F.relu(out)

    def __init__(self, blocks: int = 3) -> None:
        super().__init__()
        self.inward = nn.Linear(6, 12)
        self.blocks = nn.Sequential(*(self.Block(12) for _ in range(blocks)))
        self.head = nn.Linear(12, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.blocks(F.relu(self.inward(x))))
        return logits


class Tagger(nn.Module):
    """A recurrent layer and a classifier of its last output, or of its last state."""

    def __init__(self, layer: type[nn.RNNBase] = nn.LSTM, batch_first: bool = True, last_state: bool = False) -> None:
        super().__init__()
        self.recurrent = layer(3, 8, 2, batch_first=batch_first)  # type: ignore[call-arg]
        self.head = nn.Linear(8, CLASSES)
        self.batch_first, self.last_state = batch_first, last_state

    def forward(self, x: Tensor) -> Tensor:
        out, state = self.recurrent(x)
        h = state[0] if isinstance(state, tuple) else state
        last = h[-1] if self.last_state else out[:, -1] if self.batch_first else out[-1]
        logits: Tensor = self.head(last)
        return logits


class Reader(nn.Module):
    """torch's own Transformer encoder over tokens."""

    def __init__(self, batch_first: bool = True, layers: int = 2, dropout: float = 0.1) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 16)
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=dropout, batch_first=batch_first)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(16, CLASSES)
        self.batch_first = batch_first

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.head(self.encoder(self.embedding(tokens)).mean(1 if self.batch_first else 0))
        return logits


def vectors(n: int = 16) -> tuple[Tensor, Tensor]:
    return torch.randn(n, 6), torch.randint(0, CLASSES, (n,))


def images(n: int = 8) -> tuple[Tensor, Tensor]:
    return torch.randn(n, 1, 8, 8), torch.randint(0, CLASSES, (n,))


def series(n: int = 8, length: int = 7) -> tuple[Tensor, Tensor]:
    return torch.randn(n, length, 3), torch.randint(0, CLASSES, (n,))


def tokens(n: int = 8, length: int = 7) -> tuple[Tensor, Tensor]:
    return torch.randint(0, 11, (n, length)), torch.randint(0, CLASSES, (n,))


def hooks_of(model: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def trained(
    model: nn.Module, data: tuple[Tensor, Tensor], steps: int = 3, lr: float = 0.05, log: bool = True, **options: Any
) -> Monitor:
    """The Monitor of so many plain steps, all of them measured unless options say otherwise."""
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    with Monitor(model, optimizer, **{"dense_steps": steps, "overhead": None, **options}) as monitor:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(data[0]), data[1])
            if log:
                monitor.log(loss)
            loss.backward()
            optimizer.step()
    return monitor
