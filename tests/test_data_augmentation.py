"""The vectorised crop and flip against the definition, one image at a time."""

import pytest
import torch
from torch import Tensor

from tests.data_fixtures import random_images
from vgp_bench.data.augmentation import crop_and_flip


def slow_twin(image: Tensor, padding: int, top: int, left: int, flipped: bool) -> Tensor:
    channels, height, width = image.shape
    padded = torch.zeros(channels, height + 2 * padding, width + 2 * padding, dtype=image.dtype)
    padded[:, padding : padding + height, padding : padding + width] = image
    cut = padded[:, top : top + height, left : left + width]
    return cut.flip(2) if flipped else cut


@pytest.mark.parametrize(("padding", "height", "width"), [(0, 6, 6), (4, 32, 32), (2, 5, 9), (1, 9, 5)])
@pytest.mark.parametrize("channels", [1, 3])
def test_each_image_gets_its_own_crop_and_flip(padding: int, height: int, width: int, channels: int) -> None:
    images = random_images(40, channels, height, width)
    generator = torch.Generator().manual_seed(1)
    top, left = torch.randint(0, 2 * padding + 1, (2, 40), generator=generator)
    # Both extremes are there: an offset range that is one too short or too long would show.
    top[0], left[0], top[1], left[1] = 0, 2 * padding, 2 * padding, 0
    flipped = torch.randint(0, 2, (40,), generator=generator).bool()

    result = crop_and_flip(images, padding, top, left, flipped)

    expected = [slow_twin(images[i], padding, int(top[i]), int(left[i]), bool(flipped[i])) for i in range(len(images))]
    assert torch.equal(result, torch.stack(expected))
    assert result.dtype == torch.uint8
    assert result.is_contiguous()


def test_crop_in_the_middle_without_flip_changes_nothing() -> None:
    images = random_images(3)
    middle = torch.full((3,), 4)
    assert torch.equal(crop_and_flip(images, 4, middle, middle, torch.zeros(3, dtype=torch.bool)), images)
