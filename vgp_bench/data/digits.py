"""The 1797 handwritten digits that come with scikit-learn: a data set that needs no download.

Source: Alpaydin & Kaynak 1998, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from vgp_bench.data.images import ImageData, Split
from vgp_bench.data.splits import TEST_SEED, assemble, fixed_permutation, select

TEST_IMAGES = 360


def load(
    data_dir: str | Path,
    train_size: int | None = None,
    validation_size: int = 200,
    test_size: int | None = None,
    split_seed: int = 0,
) -> ImageData:
    """8x8 grey images, ten classes; 360 of the 1797 are the test set, whatever split_seed is.

    data_dir is not used: the images are part of scikit-learn. ConfigError for sizes that are not there.
    """
    pixels, labels = np.split(_published(), [64], axis=1)
    # Stored as 0 ... 16; times 15 is the largest whole factor that stays within 255.
    images = torch.from_numpy(pixels * 15).to(torch.uint8).reshape(-1, 1, 8, 8)
    everything = Split(images, torch.from_numpy(labels[:, 0]).to(torch.int64))
    order = fixed_permutation(len(everything), TEST_SEED)
    return assemble(
        select(everything, order[TEST_IMAGES:]),
        select(everything, order[:TEST_IMAGES]),
        tuple(str(digit) for digit in range(10)),
        train_size=train_size,
        validation_size=validation_size,
        test_size=test_size,
        split_seed=split_seed,
    )


def _published() -> np.ndarray:
    """1797 rows of 64 pixels, 0 ... 16, and the digit, as scikit-learn packs them. Its import takes a second of every
    process, for it brings scipy and pandas; its file is found without."""
    package = find_spec("sklearn")
    file = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz" if package and package.origin else None
    if file is not None and file.is_file():
        return np.loadtxt(file, delimiter=",")
    from sklearn.datasets import load_digits  # a version that packs it elsewhere

    digits = load_digits()
    return np.column_stack([digits.data, digits.target])
