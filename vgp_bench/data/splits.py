"""Training, validation and test split of a data set that is published in two parts.

The choice depends on split_seed, not on the seed of a run: runs with different seeds see the same images and
can be compared in pairs.
"""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from vgp_bench.data.images import Augmentation, ImageData, Split
from vgp_bench.data.normalization import channel_statistics
from vgp_bench.errors import ConfigError

Indices = NDArray[np.int64]

SplitName = Literal["train", "validation", "test"]

# A test subset is the same whatever split_seed is: test results of different splits stay comparable.
TEST_SEED = 0


def fixed_permutation(count: int, seed: int) -> Indices:
    """0 ... count - 1 in an order that follows from seed (0 ... 2**32 - 1, else ConfigError)."""
    if not 0 <= seed < 2**32:
        raise ConfigError(f"dataset.split_seed={seed} must lie between 0 and {2**32 - 1}")
    # RandomState's stream is frozen by NumPy's policy (NEP 19): the split outlives library updates.
    return np.random.RandomState(seed).permutation(count).astype(np.int64)


def select(split: Split, indices: Indices) -> Split:
    """The images with these indices, in ascending order of index: a subset keeps the stored order."""
    chosen = torch.from_numpy(np.sort(indices))
    return Split(split.images.index_select(0, chosen), split.labels.index_select(0, chosen))


def assemble(
    train: Split,
    test: Split,
    classes: tuple[str, ...],
    *,
    train_size: int | None,
    validation_size: int,
    test_size: int | None,
    split_seed: int,
    augmentation: Augmentation | None = None,
) -> ImageData:
    """Split validation_size images off `train`, cut to size, and take mean and std of what is trained on.

    train_size, test_size: None takes all there is. Smaller training sets are subsets of larger ones, and the
    validation set does not depend on them. Raises ConfigError if more is asked for than there is.
    """
    for key, size in (
        ("train_size", train_size),
        ("validation_size", validation_size),
        ("test_size", test_size),
    ):
        if size is not None and size < 1:
            raise ConfigError(f"dataset.{key}={size} must be 1 or more")
    if validation_size >= len(train):
        raise ConfigError(
            f"dataset.validation_size={validation_size} leaves nothing of the {len(train)} images to train on; lower it"
        )
    available = len(train) - validation_size
    if train_size is not None and train_size > available:
        raise ConfigError(
            f"dataset.train_size={train_size} is more than the {available} training images there are "
            f"({len(train)} less dataset.validation_size={validation_size})"
        )
    if test_size is not None and test_size > len(test):
        raise ConfigError(f"dataset.test_size={test_size} is more than the {len(test)} test images there are")

    order = fixed_permutation(len(train), split_seed)
    validation_part, rest = order[:validation_size], order[validation_size:]
    chosen = select(train, rest[:train_size])
    mean, std = channel_statistics(chosen.images)
    return ImageData(
        train=chosen,
        validation=select(train, validation_part),
        test=select(test, fixed_permutation(len(test), TEST_SEED)[:test_size]),
        classes=classes,
        mean=mean,
        std=std,
        augmentation=augmentation or Augmentation(),
    )
