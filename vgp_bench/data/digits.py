"""The 1797 handwritten digits that come with scikit-learn: a data set that needs no download.

Source: Alpaydin & Kaynak 1998, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository.
"""

from pathlib import Path

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
    from sklearn.datasets import load_digits

    digits = load_digits()
    # Stored as 0 ... 16; times 15 is the largest whole factor that stays within 255.
    images = torch.from_numpy(digits.images * 15).to(torch.uint8).unsqueeze(1)
    everything = Split(images, torch.from_numpy(digits.target).to(torch.int64))
    order = fixed_permutation(len(everything), TEST_SEED)
    return assemble(
        select(everything, order[TEST_IMAGES:]),
        select(everything, order[:TEST_IMAGES]),
        tuple(str(name) for name in digits.target_names),
        train_size=train_size,
        validation_size=validation_size,
        test_size=test_size,
        split_seed=split_seed,
    )
