"""The digits that come with scikit-learn."""

from pathlib import Path

import torch

from vgp_bench.data import digits

# Of each digit, in the 1797 images: the description of the data set in scikit-learn's manual says "~180 each".
PER_CLASS = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_all_1797_images_are_there_once(tmp_path: Path) -> None:
    data = digits.load(tmp_path)
    splits = (data.train, data.validation, data.test)
    assert [len(split) for split in splits] == [1237, 200, 360]
    labels = torch.cat([split.labels for split in splits])
    assert labels.bincount().tolist() == PER_CLASS
    images = torch.cat([split.images for split in splits])
    assert len(images.unique(dim=0)) == 1797
    assert list(tmp_path.iterdir()) == []


def test_form_and_values(tmp_path: Path) -> None:
    data = digits.load(tmp_path)
    assert data.image_shape == (1, 8, 8)
    assert data.train.images.dtype == torch.uint8
    assert data.train.labels.dtype == torch.int64
    assert set(data.train.images.unique().tolist()) == {15 * value for value in range(17)}
    assert data.classes == tuple("0123456789")
    for split in (data.train, data.validation, data.test):
        assert set(split.labels.tolist()) == set(range(10))


def test_images_go_with_their_labels(tmp_path: Path) -> None:
    from sklearn.datasets import load_digits

    published = load_digits()
    wanted = {(published.images[i] * 15).astype("uint8").tobytes(): int(published.target[i]) for i in range(1797)}
    for split in (digits.load(tmp_path).train, digits.load(tmp_path).test):
        for image, label in zip(split.images, split.labels.tolist(), strict=True):
            assert wanted[image.numpy().tobytes()] == label


def test_the_test_set_is_the_same_whatever_the_split(tmp_path: Path) -> None:
    one, other = digits.load(tmp_path), digits.load(tmp_path, split_seed=1, validation_size=50, train_size=100)
    assert torch.equal(one.test.images, other.test.images)
    assert not torch.equal(one.validation.images[:50], other.validation.images)
    assert len(other.train) == 100
