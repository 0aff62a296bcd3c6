"""Batches: order, completeness, reproducibility, and that they leave the rest of the program alone."""

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.data_fixtures import image_data
from vgp_bench.data.batches import Batches
from vgp_bench.data.images import Augmentation
from vgp_bench.errors import ConfigError

AUGMENTED = Augmentation(crop_padding=2, flip=True)


def labels_of(batches: Batches, epoch: int) -> list[int]:
    return torch.cat([labels for _, labels in batches.epoch(epoch)]).tolist()


def images_of(batches: Batches, epoch: int) -> Tensor:
    return torch.cat([images for images, _ in batches.epoch(epoch)])


def test_an_epoch_shows_every_image_once_up_to_the_dropped_rest() -> None:
    batches = Batches(image_data(50), batch_size=8, seed=3)
    assert batches.steps_per_epoch == 6
    assert [len(labels) for _, labels in batches.epoch(0)] == [8] * 6
    shown = labels_of(batches, 0)
    assert len(set(shown)) == 48
    assert shown != sorted(shown)


def test_the_dropped_images_differ_from_epoch_to_epoch() -> None:
    batches = Batches(image_data(50), batch_size=8, seed=3)
    assert set().union(*(labels_of(batches, epoch) for epoch in range(10))) == set(range(50))


def test_images_keep_their_labels_and_are_normalized() -> None:
    data = image_data(30)
    for images, labels in Batches(data, batch_size=10, seed=0).epoch(0):
        pixels = data.train.images[labels].float() / 255
        expected = (pixels - data.mean.view(-1, 1, 1)) / data.std.view(-1, 1, 1)
        torch.testing.assert_close(images, expected, atol=1e-5, rtol=1e-5)
        assert images.dtype == torch.float32
        assert labels.dtype == torch.int64
        assert images.is_contiguous()


def test_order_and_augmentation_follow_from_seed_and_epoch_alone() -> None:
    data = image_data(40, AUGMENTED)
    first = Batches(data, batch_size=10, seed=5)
    for epoch in range(3):
        images_of(first, epoch)
    # As after a crash: a new object that has seen nothing, and a global generator in another state.
    torch.manual_seed(99)
    resumed = Batches(data, batch_size=10, seed=5)
    assert labels_of(resumed, 3) == labels_of(first, 3)
    assert torch.equal(images_of(resumed, 3), images_of(first, 3))


def test_seeds_and_epochs_are_all_different() -> None:
    data = image_data(40)
    orders = {
        tuple(labels_of(Batches(data, batch_size=10, seed=seed), epoch)) for seed in range(4) for epoch in range(4)
    }
    assert len(orders) == 16  # also seed 0 epoch 1 and seed 1 epoch 0: no sum of the two


def test_order_does_not_depend_on_augmentation_and_hardly_on_batch_size() -> None:
    plain = labels_of(Batches(image_data(40), batch_size=10, seed=0), 1)
    assert labels_of(Batches(image_data(40, AUGMENTED), batch_size=10, seed=0), 1) == plain
    assert labels_of(Batches(image_data(40), batch_size=4, seed=0), 1) == plain


def test_an_epoch_can_be_entered_in_the_middle() -> None:
    batches = Batches(image_data(40, AUGMENTED), batch_size=10, seed=0)
    whole, rest = list(batches.epoch(2)), list(batches.epoch(2, first_step=3))
    assert len(rest) == 1
    assert torch.equal(rest[0][0], whole[3][0])
    assert torch.equal(rest[0][1], whole[3][1])


def test_global_random_state_is_neither_read_nor_changed() -> None:
    batches = Batches(image_data(40, AUGMENTED), batch_size=10, seed=0)
    torch.manual_seed(1)
    np.random.seed(1)
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state(legacy=False)["state"]["key"].copy()
    images_of(batches, 0)
    list(batches.evaluation("test"))
    batches.probe(5)
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert np.array_equal(np.random.get_state(legacy=False)["state"]["key"], numpy_before)


def test_augmented_images_are_crops_and_mirror_images_of_the_original() -> None:
    data = image_data(60, AUGMENTED)
    pixels = torch.nn.functional.pad(data.train.images.float() / 255, (2, 2, 2, 2))
    padded = (pixels - data.mean.view(-1, 1, 1)) / data.std.view(-1, 1, 1)
    seen = set()
    for images, labels in Batches(data, batch_size=20, seed=0).epoch(0):
        for image, label in zip(images, labels, strict=True):
            matches = [
                (top, left, mirrored)
                for top in range(5)
                for left in range(5)
                for mirrored in (False, True)
                for cut in [padded[label, :, top : top + 8, left : left + 8]]
                if torch.allclose(image, cut.flip(2) if mirrored else cut, atol=1e-5)
            ]
            assert len(matches) == 1
            seen.add(matches[0])
    assert {top for top, _, _ in seen} == set(range(5))
    assert {left for _, left, _ in seen} == set(range(5))
    assert {mirrored for _, _, mirrored in seen} == {False, True}


def test_evaluation_gives_everything_in_order_without_augmentation() -> None:
    data = image_data(40, AUGMENTED)
    batches = Batches(data, batch_size=10, seed=0)
    for name, split in (("train", data.train), ("validation", data.validation), ("test", data.test)):
        parts = list(batches.evaluation(name, batch_size=3))  # type: ignore[arg-type]
        assert [len(labels) for _, labels in parts][:-1] == [3] * (len(split) // 3 - (len(split) % 3 == 0))
        assert torch.equal(torch.cat([labels for _, labels in parts]), split.labels)
        expected = (split.images.float() / 255 - data.mean.view(-1, 1, 1)) / data.std.view(-1, 1, 1)
        torch.testing.assert_close(torch.cat([images for images, _ in parts]), expected, atol=1e-5, rtol=1e-5)


def test_probe_is_spread_evenly_and_does_not_depend_on_the_seed() -> None:
    data = image_data(40, AUGMENTED)
    images, labels = Batches(data, batch_size=10, seed=0).probe(8)
    assert labels.tolist() == [0, 5, 10, 15, 20, 25, 30, 35]
    again, _ = Batches(data, batch_size=4, seed=7).probe(8)
    assert torch.equal(images, again)
    expected = (data.train.images[labels].float() / 255 - data.mean.view(-1, 1, 1)) / data.std.view(-1, 1, 1)
    torch.testing.assert_close(images, expected, atol=1e-5, rtol=1e-5)
    assert Batches(data, batch_size=10, seed=0).probe(40)[1].tolist() == list(range(40))


def test_impossible_sizes_name_both_numbers() -> None:
    with pytest.raises(ConfigError, match=r"batch_size=41 is more than the 40 training images"):
        Batches(image_data(40), batch_size=41, seed=0)
    with pytest.raises(ConfigError, match="batch_size=0"):
        Batches(image_data(40), batch_size=0, seed=0)
    with pytest.raises(ConfigError, match="seed=-1"):
        Batches(image_data(40), batch_size=10, seed=-1)
    with pytest.raises(ConfigError, match=r"probe of 41 images .* 40 training images"):
        Batches(image_data(40), batch_size=10, seed=0).probe(41)
    with pytest.raises(ConfigError, match=r"dataset\.crop_padding=-1"):
        Batches(image_data(40, Augmentation(crop_padding=-1)), batch_size=10, seed=0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_gives_the_same_batches_and_never_makes_the_host_wait() -> None:
    data = image_data(40, AUGMENTED)
    on_cpu = list(Batches(data, batch_size=10, seed=5).epoch(2))
    batches = Batches(data.to(torch.device("cuda")), batch_size=10, seed=5)
    torch.cuda.set_sync_debug_mode("error")
    try:
        on_cuda = list(batches.epoch(2))
        batches.probe(4)
        list(batches.evaluation("test"))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert len(on_cuda) == len(on_cpu) == 4
    for (images, labels), (cpu_images, cpu_labels) in zip(on_cuda, on_cpu, strict=True):
        assert images.device.type == "cuda"
        assert torch.equal(labels.cpu(), cpu_labels)
        torch.testing.assert_close(images.cpu(), cpu_images, atol=1e-6, rtol=1e-6)
