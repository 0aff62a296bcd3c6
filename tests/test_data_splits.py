"""Splits: disjoint, complete, fixed, nested; and messages that name both numbers."""

import pytest
import torch

from tests.data_fixtures import random_images
from vgp_bench.data.images import ImageData, Split
from vgp_bench.data.normalization import channel_statistics
from vgp_bench.data.splits import assemble
from vgp_bench.errors import ConfigError


def split_of(
    train_size: int | None = None, validation_size: int = 20, test_size: int | None = None, split_seed: int = 0
) -> ImageData:
    """100 training and 30 test images; the label of an image is its place, to tell them apart."""
    return assemble(
        Split(random_images(100), torch.arange(100)),
        Split(random_images(30, seed=1), torch.arange(30)),
        ("a", "b"),
        train_size=train_size,
        validation_size=validation_size,
        test_size=test_size,
        split_seed=split_seed,
    )


def places(split: Split) -> list[int]:
    return split.labels.tolist()


def test_train_and_validation_are_disjoint_and_complete() -> None:
    data = split_of()
    assert len(data.validation) == 20
    assert sorted(places(data.train) + places(data.validation)) == list(range(100))
    assert places(data.test) == list(range(30))


def test_images_go_with_their_labels() -> None:
    data = split_of(train_size=30, test_size=10)
    images, test_images = random_images(100), random_images(30, seed=1)
    assert torch.equal(data.train.images, images[data.train.labels])
    assert torch.equal(data.validation.images, images[data.validation.labels])
    assert torch.equal(data.test.images, test_images[data.test.labels])


def test_validation_is_a_random_sample_because_files_are_sorted_by_class() -> None:
    chosen = places(split_of().validation)
    assert min(chosen) < 30
    assert max(chosen) > 70


def test_the_split_is_fixed_by_split_seed() -> None:
    torch.manual_seed(5)
    assert places(split_of().validation) == places(split_of().validation)
    assert places(split_of(split_seed=1).validation) != places(split_of().validation)
    # Written down once: results of different versions of the program must see the same split.
    assert places(split_of(validation_size=5).validation) == [2, 26, 55, 75, 86]


def test_smaller_training_sets_are_subsets_and_leave_validation_alone() -> None:
    small, large, full = split_of(train_size=10), split_of(train_size=40), split_of()
    assert set(places(small.train)) < set(places(large.train)) < set(places(full.train))
    assert places(small.validation) == places(full.validation)
    assert places(small.train) == sorted(places(small.train))


def test_a_test_subset_does_not_depend_on_split_seed() -> None:
    assert places(split_of(test_size=7).test) == places(split_of(test_size=7, split_seed=3).test)
    assert len(split_of(test_size=7).test) == 7


def test_mean_and_std_are_those_of_the_images_trained_on() -> None:
    data = split_of(train_size=10)
    mean, std = channel_statistics(data.train.images)
    assert torch.equal(data.mean, mean)
    assert torch.equal(data.std, std)


def test_everything_there_is_can_be_asked_for() -> None:
    data = split_of(train_size=80, test_size=30)
    assert (len(data.train), len(data.test)) == (80, 30)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"train_size": 81}, r"dataset\.train_size=81 .* 80 training images .*dataset\.validation_size=20"),
        ({"test_size": 31}, r"dataset\.test_size=31 .* 30 test images"),
        ({"validation_size": 100}, r"dataset\.validation_size=100 leaves nothing of the 100 images"),
        ({"train_size": 0}, r"dataset\.train_size=0"),
        ({"validation_size": 0}, r"dataset\.validation_size=0"),
        ({"test_size": -1}, r"dataset\.test_size=-1"),
        ({"split_seed": -1}, r"dataset\.split_seed=-1"),
    ],
)
def test_impossible_sizes_name_the_numbers(sizes: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        split_of(**sizes)
    assert "\n" not in str(raised.value)
