"""What CIFAR-10 and CIFAR-100 share: batch files of 32x32 RGB images, verified and, where missing, downloaded."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from vgp_bench.data.downloads import ensure_files
from vgp_bench.data.images import Augmentation, ImageData, Split
from vgp_bench.data.splits import assemble

if TYPE_CHECKING:
    from torchvision.datasets import CIFAR10


def load_published(
    published: "type[CIFAR10]",
    name: str,
    data_dir: str | Path,
    augmentation: Augmentation,
    *,
    train_size: int | None,
    validation_size: int,
    test_size: int | None,
    split_seed: int,
) -> ImageData:
    """published: torchvision's class, which knows address, files and checksums. name: for messages.

    Raises DataError if the files are damaged, or missing and not to be had; ConfigError for sizes that are not there.
    """
    from torchvision.datasets.utils import download_and_extract_archive

    root = Path(data_dir).expanduser()
    folder = root / published.base_folder
    files = {folder / file: md5 for file, md5 in [*published.train_list, *published.test_list]}
    files[folder / published.meta["filename"]] = published.meta["md5"]
    ensure_files(
        name,
        root,
        files,
        {root / published.filename: published.tgz_md5},
        # Not published(root, download=True): that never brings back a missing list of class names.
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
        augmentation=augmentation,
    )


def _split(part: "CIFAR10") -> Split:
    images = torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous()
    return Split(images, torch.tensor(part.targets, dtype=torch.int64))
