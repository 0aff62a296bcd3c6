"""Our loop against the one in every tutorial: DataLoader and torchvision transforms; model, batch, optimizer equal."""

import copy
import json
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.datasets import MNIST

from benchmarks.composing import built, config_of
from benchmarks.measuring import stepping
from benchmarks.timing import Ratio, paired
from vgp_bench.building import load_data
from vgp_bench.components.schedules import constant
from vgp_bench.data.images import ImageData, Split


class LeNet(nn.Sequential):
    """LeCun et al. 1998, with ReLU: two convolutions, three dense layers, 61,706 parameters on 28 x 28 images."""

    def __init__(self) -> None:
        super().__init__(
            *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
            *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
        )


class PixelsInMemory(Dataset[tuple[Tensor, int]]):
    """As torchvision's own CIFAR10 does it: decoded pixels in memory, one PIL image a sample, then the transforms."""

    def __init__(self, split: Split, transform: Callable[[Image.Image], Tensor]) -> None:
        self.pixels = split.images.permute(0, 2, 3, 1).numpy()
        self.labels = split.labels.tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[index])), self.labels[index]


def textbook(model: nn.Module, data: Dataset[tuple[Tensor, int]], batch: int, steps: int, workers: int) -> None:
    """So many steps of the tutorial loop; the loader starts anew, as at every epoch."""
    loader = DataLoader(data, batch_size=batch, shuffle=True, drop_last=True, num_workers=workers)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    model.train()
    running = 0.0
    for images, labels in islice(_endless(loader), steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        running += loss.item()


def _endless(loader: DataLoader[tuple[Tensor, int]]) -> Iterator[list[Tensor]]:
    while True:
        yield from loader


def ours(words: list[str], steps: int, model: nn.Module | None = None) -> Callable[[], None]:
    """So many steps of our loop, without measuring, which the other loop does not do either; on and on through the
    epochs. Model and data are built before, as for the other."""
    loop = built(*words, "trainer.max_epochs=1000000")
    if model is not None:  # a model without stages: nothing to measure, everything else is as in any run
        loop.model = copy.deepcopy(model)
        loop.step.model = loop.model
        loop.step.parameters = list(loop.model.parameters())
        loop.step.optimizer = loop.optimizer = torch.optim.SGD(loop.model.parameters(), lr=0.01, momentum=0.9)
        loop.schedule = constant(loop.optimizer, loop.total_steps)
    loop.model.train()
    return stepping(loop, steps)


def benchmark(data_dir: Path, cifar: Path | None, pairs: int) -> Iterator[Ratio]:
    """Both comparisons, the tutorial's loader with no and with two workers; a ratio above 1 says ours is faster."""
    common = [
        f"data_dir={data_dir}",
        "device=cpu",
        "monitor=off",
        "dataset.validation_size=100",
        "dataset.test_size=100",
    ]
    to_tensor = [transforms.ToTensor()]
    mnist = MNIST(str(data_dir), transform=transforms.Compose([*to_tensor, transforms.Normalize((0.1307,), (0.3081,))]))
    lenet = LeNet()
    words = ["dataset=mnist", "trainer.batch_size=64", *common]
    for workers in (0, 2):
        yield paired(
            f"textbook loop ({workers} workers) / ours, LeNet, MNIST, batch 64, 400 steps",
            "at least 1.3",
            lambda workers=workers: textbook(copy.deepcopy(lenet), mnist, 64, 400, workers),
            ours(words, 400, lenet),
            pairs,
        )
    if cifar is None:
        print("no --cifar FOLDER: the ResNet-20 comparison is left out", file=sys.stderr)
        return
    augment = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()]
    normalize = transforms.Normalize((0.49, 0.48, 0.45), (0.25, 0.24, 0.26))
    words = [
        "architecture=resnet",
        "normalizer=batch",
        "dataset=image_folder",
        f"dataset.folder={cifar}",
        *("dataset.crop_padding=4", "dataset.flip=true", "trainer.batch_size=128"),
        *common,
    ]
    loop = built(*words)
    model, data = loop.model, load_data(json.dumps(config_of(*words)["dataset"]), str(data_dir), torch.device("cpu"))
    assert isinstance(data, ImageData)
    in_memory = PixelsInMemory(data.train, transforms.Compose([*augment, *to_tensor, normalize]))
    for workers in (0, 2):
        yield paired(
            f"textbook loop ({workers} workers) / ours, ResNet-20, CIFAR-10 (JPEG), batch 128, 20 steps",
            "at least 1",
            lambda workers=workers: textbook(copy.deepcopy(model), in_memory, 128, 20, workers),
            ours(words, 20),
            max(2, pairs // 2),
        )
