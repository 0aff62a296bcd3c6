"""Channel statistics and normalization against their definitions."""

import torch

from tests.data_fixtures import random_images
from vgp_bench.data.normalization import Normalization, channel_statistics


def test_statistics_are_the_population_mean_and_deviation_of_each_channel() -> None:
    # More images than one chunk, unlike channels, so that mixed-up axes or chunks show.
    images = random_images(5000, 3, 2, 3)
    images[:, 1] //= 4
    mean, std = channel_statistics(images)
    pixels = images.double().transpose(0, 1).flatten(1) / 255
    torch.testing.assert_close(mean, pixels.mean(1).float())
    torch.testing.assert_close(std, pixels.std(1, unbiased=False).float())
    assert mean.dtype == std.dtype == torch.float32


def test_training_images_come_out_with_mean_0_and_deviation_1() -> None:
    images = random_images(200, 3)
    result = Normalization(*channel_statistics(images))(images)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(result.std((0, 2, 3), unbiased=False), torch.ones(3), atol=1e-5, rtol=0)


def test_a_value_by_hand() -> None:
    normalize = Normalization(torch.tensor([0.5]), torch.tensor([0.25]))
    image = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 1, 1, 3)  # 0, 0.2 and 1 of 255
    torch.testing.assert_close(normalize(image).flatten(), torch.tensor([-2.0, -1.2, 2.0]))


def test_a_constant_channel_gives_zeros() -> None:
    images = torch.full((10, 1, 4, 4), 77, dtype=torch.uint8)
    mean, std = channel_statistics(images)
    assert std.item() == 0
    result = Normalization(mean, std)(images)
    torch.testing.assert_close(result, torch.zeros(10, 1, 4, 4), atol=1e-6, rtol=0)


def test_the_input_is_left_as_it_is() -> None:
    images = random_images(4)
    before = images.clone()
    Normalization(*channel_statistics(images))(images)
    assert torch.equal(images, before)
