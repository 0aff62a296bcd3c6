"""Pixels to network input: a mean and a standard deviation per channel, taken from the training images."""

import torch
from torch import Tensor

_IMAGES_PER_CHUNK = 4096


def channel_statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    """mean and std (population) of each channel, pixels scaled to [0, 1]; float32 (channels,) each.

    images: uint8 (n, channels, height, width), n >= 1.
    """
    # Counting the 256 pixel values is exact, so the result depends neither on order nor on chunks.
    counts = torch.zeros(images.shape[1], 256, dtype=torch.float64)
    for chunk in images.split(_IMAGES_PER_CHUNK):
        for channel, pixels in enumerate(chunk.unbind(1)):
            counts[channel] += pixels.flatten().bincount(minlength=256)
    share = counts / counts.sum(1, keepdim=True)
    values = torch.arange(256, dtype=torch.float64)
    mean = (share * values).sum(1)
    # From the deviations, not E[x^2] - E[x]^2: a constant channel must give 0, not a rounding error.
    deviation = values - mean[:, None]
    std = (share * deviation.square()).sum(1).sqrt()
    return (mean / 255).float(), (std / 255).float()


class Normalization:
    """uint8 (n, channels, height, width) -> float32 of that shape: (pixel / 255 - mean) / std per channel.

    A channel with std 0 (all pixels equal) is only centred.
    """

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        divisor = torch.where(std > 0, std, torch.ones_like(std))
        self._centre = (mean * 255).view(-1, 1, 1)
        self._scale = (divisor * 255).reciprocal().view(-1, 1, 1)

    def __call__(self, images: Tensor) -> Tensor:
        return images.float().sub_(self._centre).mul_(self._scale)
