"""Batches cut from images that already lie on the device: no worker processes, no copies from the host.

Order and augmentation of an epoch follow from (seed, epoch) alone: a resumed run needs no saved state. They
are drawn on the CPU, hence the same on every device. The global random state is never touched.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vgp_bench.data.augmentation import crop_and_flip
from vgp_bench.data.images import ImageData, Split
from vgp_bench.data.normalization import Normalization
from vgp_bench.data.splits import SplitName
from vgp_bench.errors import ConfigError

Batch = tuple[Tensor, Tensor]
"""images: float32 (n, channels, height, width), normalized, contiguous; labels: int64 (n,)."""


@dataclass(frozen=True)
class _EpochPlan:
    """order: int64 (n,) training images. By place in it: top, left int64 (n,) and flipped bool (n,)."""

    order: Tensor
    top: Tensor
    left: Tensor
    flipped: Tensor


class Batches:
    """Training, evaluation and probe batches of one data set, on the device where `data` lies.

    The last partial training batch is dropped: every step has the same shape and the same weight.
    Raises ConfigError if no whole batch can be made.
    """

    def __init__(self, data: ImageData, batch_size: int, seed: int) -> None:
        if batch_size < 1:
            raise ConfigError(f"trainer.batch_size={batch_size} must be 1 or more")
        if seed < 0:
            raise ConfigError(f"seed={seed} must be 0 or more")
        if batch_size > len(data.train):
            raise ConfigError(
                f"trainer.batch_size={batch_size} is more than the {len(data.train)} training images; "
                "lower it or use more training images"
            )
        if data.augmentation.crop_padding < 0:
            raise ConfigError(f"dataset.crop_padding={data.augmentation.crop_padding} must be 0 or more")
        self.steps_per_epoch = len(data.train) // batch_size
        self._data = data
        self._batch_size = batch_size
        self._seed = seed
        self._device = data.train.images.device
        self.image_shape = data.image_shape
        self.classes = len(data.classes)
        self._normalize = Normalization(data.mean, data.std)

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """The training batches of one epoch (0, 1, ...) in random order, augmented; from first_step on."""
        plan = self._plan(epoch)
        train, augmentation = self._data.train, self._data.augmentation
        for step in range(first_step, self.steps_per_epoch):
            batch = slice(step * self._batch_size, (step + 1) * self._batch_size)
            chosen = plan.order[batch]
            images = train.images.index_select(0, chosen)
            if augmentation.crop_padding or augmentation.flip:
                images = crop_and_flip(
                    images, augmentation.crop_padding, plan.top[batch], plan.left[batch], plan.flipped[batch]
                )
            yield self._normalize(images), train.labels.index_select(0, chosen)

    def evaluation(self, split: SplitName, batch_size: int = 1024) -> Iterator[Batch]:
        """Every image of a split once, in stored order, not augmented; the last batch may be smaller."""
        chosen: Split = getattr(self._data, split)
        for images, labels in zip(chosen.images.split(batch_size), chosen.labels.split(batch_size), strict=True):
            yield self._normalize(images), labels

    def probe(self, count: int) -> Batch:
        """`count` training images, evenly spaced in stored order: a sorted data set gives all its classes.

        The same images for every seed and epoch; not augmented. ConfigError if there are not that many.
        """
        train = self._data.train
        if not 1 <= count <= len(train):
            raise ConfigError(f"a probe of {count} images cannot be taken from {len(train)} training images")
        chosen = torch.arange(count, device=self._device) * len(train) // count
        return self._normalize(train.images.index_select(0, chosen)), train.labels.index_select(0, chosen)

    def _plan(self, epoch: int) -> _EpochPlan:
        # SeedSequence mixes the two numbers: seed 1 epoch 0 has nothing in common with seed 0 epoch 1.
        mixed = np.random.SeedSequence([self._seed, epoch]).generate_state(1, np.uint64)
        generator = torch.Generator().manual_seed(int(mixed[0]))
        n = len(self._data.train)
        # Drawn first, so that runs with and without augmentation see the same order and compare in pairs.
        order = torch.randperm(n, generator=generator)
        offsets = torch.zeros(2, n, dtype=torch.int64)
        if padding := self._data.augmentation.crop_padding:
            offsets = torch.randint(0, 2 * padding + 1, (2, n), generator=generator)
        flipped = torch.zeros(n, dtype=torch.int64)
        if self._data.augmentation.flip:
            flipped = torch.randint(0, 2, (n,), generator=generator)
        order, top, left, flipped = self._to_device(torch.cat([order[None], offsets, flipped[None]]))
        return _EpochPlan(order, top, left, flipped.bool())

    def _to_device(self, plan: Tensor) -> Tensor:
        # One pinned copy per epoch: the host does not wait for the device, not even between epochs.
        if self._device.type == "cuda":
            return plan.pin_memory().to(self._device, non_blocking=True)
        return plan.to(self._device)
