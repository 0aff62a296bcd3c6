"""CIFAR-10, verified and, where it is missing, downloaded.

Source: Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images".
"""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from vgp_bench.data.downloads import ensure_files
from vgp_bench.data.images import Augmentation, ImageData, Split
from vgp_bench.data.splits import assemble

if TYPE_CHECKING:
    from torchvision.datasets import CIFAR10


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
    from torchvision.datasets.utils import download_and_extract_archive

    root = Path(data_dir).expanduser()
    published = datasets.CIFAR10
    folder = root / published.base_folder
    files = {folder / name: md5 for name, md5 in [*published.train_list, *published.test_list]}
    files[folder / published.meta["filename"]] = published.meta["md5"]
    ensure_files(
        "CIFAR-10",
        root,
        files,
        {root / published.filename: published.tgz_md5},
        # Not published(root, download=True): that never brings back a missing batches.meta.
        lambda: download_and_extract_archive(
            published.url, str(root), filename=published.filename, md5=published.tgz_md5
        ),
    )
    train, test = published(root, train=True), published(root, train=False)
    return assemble(
        _split(train),
        _split(test),
        tuple(train.classes),
        train_size=train_size,
        validation_size=validation_size,
        test_size=test_size,
        split_seed=split_seed,
        augmentation=Augmentation(crop_padding, flip),
    )


def _split(part: "CIFAR10") -> Split:
    images = torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous()
    return Split(images, torch.tensor(part.targets, dtype=torch.int64))
