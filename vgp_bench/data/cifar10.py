"""CIFAR-10, verified and, where it is missing, downloaded.

Source: Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images".
"""

from pathlib import Path

from vgp_bench.data.cifar import load_published
from vgp_bench.data.images import Augmentation, ImageData


def load(
    data_dir: str | Path,
    train_size: int | None = None,
    validation_size: int = 5000,
    test_size: int | None = None,
    split_seed: int = 0,
    crop_padding: int = 4,
    flip: bool = True,
) -> ImageData:
    """32x32 RGB images, ten classes; 50,000 to train and validate on (45,000 / 5,000), 10,000 to test.

    The batch files lie in data_dir/cifar-10-batches-py. Raises DataError if they are damaged, or missing and
    not to be had; ConfigError for sizes that are not there.
    """
    from torchvision import datasets

    return load_published(
        datasets.CIFAR10,
        "CIFAR-10",
        data_dir,
        Augmentation(crop_padding, flip),
        train_size=train_size,
        validation_size=validation_size,
        test_size=test_size,
        split_seed=split_seed,
    )
