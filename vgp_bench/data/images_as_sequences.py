"""Images for models that read sequences: a row or a pixel at each time step.

Source: Le et al. 2015, "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units", section 4.2, for
pixels in scan order and in a fixed random order. Here pixels are normalized per channel, as for image models.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from vgp_bench.data.batches import Batches
from vgp_bench.data.sequences import Batch, SequenceShape
from vgp_bench.data.splits import SplitName
from vgp_bench.errors import ConfigError

READINGS = ("rows", "pixels", "permuted_pixels")


class ImagesAsSequences:
    """Batches of images (channels, height, width), read as `how` says; labels stay as they are.

    - rows: height steps of channels * width features, channel by channel, top row first.
    - pixels: height * width steps of channels features, row by row.
    - permuted_pixels: the same in an order that follows from seed alone: equal for all images, splits and devices.

    Raises ConfigError for another word.
    """

    def __init__(self, batches: Batches, how: str, seed: int) -> None:
        if how not in READINGS:
            raise ConfigError(f"images_as={how}: use one of {', '.join(READINGS)}")
        channels, height, width = batches.image_shape
        if how == "rows":
            self.shape = SequenceShape(height, channels * width, batches.classes)
        else:
            self.shape = SequenceShape(height * width, channels, batches.classes)
        self.steps_per_epoch = batches.steps_per_epoch
        self._batches = batches
        self._how = how
        self._order = permutation(height * width, seed).to(batches.probe(1)[0].device)

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """As Batches.epoch."""
        return self._read(self._batches.epoch(epoch, first_step))

    def evaluation(self, split: SplitName, batch_size: int = 1024) -> Iterator[Batch]:
        """As Batches.evaluation."""
        return self._read(self._batches.evaluation(split, batch_size))

    def probe(self, count: int) -> Batch:
        """As Batches.probe."""
        images, labels = self._batches.probe(count)
        return self._sequences(images), labels

    def _read(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        for images, labels in batches:
            yield self._sequences(images), labels

    def _sequences(self, images: Tensor) -> Tensor:
        """float32 (n, channels, height, width) -> (n, length, features), contiguous."""
        if self._how == "rows":
            return images.transpose(1, 2).flatten(2).contiguous()
        pixels = images.flatten(2).transpose(1, 2)
        return pixels.contiguous() if self._how == "pixels" else pixels.index_select(1, self._order)


def permutation(count: int, seed: int) -> Tensor:
    """0 ... count - 1 in an order that follows from seed (0 or more): int64 (count,), on the CPU."""
    # RandomState's stream is frozen by NumPy's policy (NEP 19); seeded this way it takes seeds of any size.
    state = np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seed)))
    return torch.from_numpy(state.permutation(count).astype(np.int64))
