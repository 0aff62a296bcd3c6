"""What looking costs: a logged step against a bare one, the steps of a run with default logging and without."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from benchmarks.composing import built
from benchmarks.timing import Ratio, in_blocks, paired
from vgp_bench.training.loop import Loop

MLP = ["architecture=mlp", "architecture.depth=20", "dataset=mnist", "trainer.batch_size=128"]
RESNET = ["architecture=resnet", "normalizer=batch", "trainer.batch_size=128"]
BLOCK = 24
"""Steps of a run in one go: about a quarter of a second."""
MEASURED = ["monitor.every=1", "monitor.probe_every=null"]


def stepping(loop: Loop, steps: int) -> Callable[[], None]:
    """Steps of a loop, on and on through the epochs."""
    batches = _batches(loop)

    def run() -> None:
        for _ in range(steps):
            loop._step(0, *next(batches))

    return run


def _batches(loop: Loop) -> Iterator[tuple[Tensor, Tensor]]:
    epoch = 0
    while True:
        yield from loop.batches.epoch(epoch)
        epoch += 1


def logged_step(name: str, bound: str, words: list[str], steps: int, pairs: int) -> Ratio:
    """A logged step / a bare one, same network, probe left out (it has a sparser cadence of its own)."""
    bare = built(*words, "monitor=off", "trainer.max_epochs=1000000")
    measured = built(*words, *MEASURED, "trainer.max_epochs=1000000")
    return paired(f"logged step / bare step, {name}", bound, stepping(measured, steps), stepping(bare, steps), pairs)


def whole_run(name: str, words: list[str], pairs: int) -> Ratio:
    """All steps of a run with default logging and probing / those of the same run without."""

    def run(*more: str) -> Callable[[], Callable[[], None]]:
        return lambda: stepping(built(*words, *more), BLOCK)

    blocks = math.ceil(built(*words).total_steps / BLOCK)  # at the last step the probe set is looked at
    return in_blocks(
        f"steps of a run with default logging / without, {name}",
        "at most 1.03",
        run(),
        run("monitor=off"),
        blocks,
        pairs,
    )


def steps(words: list[str], pairs: int) -> list[Ratio]:
    """Logged against bare steps where no other data is at hand than these words name, on the device at hand."""
    mlp = ["architecture=mlp", "architecture.depth=20", "optimizer.lr=0.01", *words]
    resnet = [*RESNET, *words]
    return [
        logged_step("MLP 20 x 256, batch 128", "at most 1.25", mlp, 50, 4 * pairs),
        logged_step("ResNet-20, batch 128", "at most 1.10", resnet, 20, 2 * pairs),
    ]


def benchmark(data: list[str], cifar: list[str] | None, pairs: int) -> Iterator[Ratio]:
    """data: words that say where MNIST lies; cifar: words for CIFAR-10 as an image folder."""
    mlp = [*MLP, *data, "optimizer.lr=0.01"]
    torch.manual_seed(0)
    for width, steps in ((256, 50), (512, 20), (1024, 6)):
        words = [*mlp, f"architecture.width={width}"]
        yield logged_step(f"MLP 20 x {width}, batch 128", "at most 1.25", words, steps, 4 * pairs)
    name = "MLP 20 x 256, MNIST, 3 epochs"
    yield whole_run(name, [*mlp, "trainer.max_epochs=3", "dataset.validation_size=500"], 3)
    if cifar is not None:
        resnet = [*RESNET, *cifar]
        yield logged_step("ResNet-20, batch 128", "at most 1.10", resnet, 4, 2 * pairs)
