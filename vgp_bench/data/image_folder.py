"""Any data set that lies on disk as one folder of image files per class, as in torchvision's ImageFolder."""

from pathlib import Path

import torch

from vgp_bench.data.decoding import Channels, decode_images
from vgp_bench.data.image_tree import read_tree
from vgp_bench.data.images import Augmentation, ImageData, Split
from vgp_bench.data.pixel_cache import cached_pixels, fingerprint
from vgp_bench.data.splits import TEST_SEED, assemble, fixed_permutation, select
from vgp_bench.errors import ConfigError

# Part of the cache's name; raise it when the same files are to give other pixels.
_DECODER_VERSION = 1

PATH_KEYS = ("folder",)
"""Keys that are paths relative to data_dir: the runner makes them absolute before it names a run."""


def load(
    data_dir: str | Path,
    folder: str | None = None,
    image_size: int | None = None,
    channels: Channels = 3,
    train_size: int | None = None,
    validation_size: int | None = None,
    test_size: int | None = None,
    test_fraction: float = 0.2,
    split_seed: int = 0,
    crop_padding: int = 0,
    flip: bool = False,
) -> ImageData:
    """The images of `folder` (absolute, or relative to data_dir), decoded once into data_dir/cache.

    folder: has train/ and test/ (or, for want of that, val/) with class folders, or class folders only; then
    test_fraction of the images are the test set, the same for every split_seed.
    image_size: pixels; cuts the central square and scales it (bilinear, antialiased). None needs images of equal size.
    channels: 3 reads every file as RGB, 1 as grey. validation_size: None = a tenth of the training images.
    Raises ConfigError for options that are impossible, DataError for a folder or file that cannot be used.
    """
    if folder is None:
        raise ConfigError(
            "dataset=image_folder needs dataset.folder=PATH, a folder with one folder of images per class"
        )
    if channels not in (1, 3):
        raise ConfigError(f"dataset.channels={channels} must be 1 (grey) or 3 (RGB)")
    if image_size is not None and image_size < 1:
        raise ConfigError(f"dataset.image_size={image_size} must be 1 or more")
    if not 0 < test_fraction < 1:
        raise ConfigError(f"dataset.test_fraction={test_fraction} must lie between 0 and 1")
    data_dir = Path(data_dir).expanduser()
    tree = read_tree((data_dir / Path(folder).expanduser()).resolve())
    labelled = tree.train + (tree.test or [])
    files = [file for file, _ in labelled]
    name = fingerprint(files, image_size=image_size, channels=channels, version=_DECODER_VERSION)
    pixels = cached_pixels(data_dir / "cache", name, lambda: decode_images(files, image_size, channels))

    everything = Split(torch.from_numpy(pixels), torch.tensor([label for _, label in labelled]))
    if tree.test is None:
        order = fixed_permutation(len(everything), TEST_SEED)
        test_images = max(1, round(test_fraction * len(everything)))
        train, test = select(everything, order[test_images:]), select(everything, order[:test_images])
    else:
        border = len(tree.train)
        train = Split(everything.images[:border], everything.labels[:border])
        test = Split(everything.images[border:], everything.labels[border:])
    return assemble(
        train,
        test,
        tree.classes,
        train_size=train_size,
        validation_size=max(1, len(train) // 10) if validation_size is None else validation_size,
        test_size=test_size,
        split_seed=split_seed,
        augmentation=Augmentation(crop_padding, flip),
    )
