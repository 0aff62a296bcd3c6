"""Random crop and horizontal flip of a whole batch at once, given each image's offsets."""

import torch
import torch.nn.functional as F
from torch import Tensor


def crop_and_flip(images: Tensor, padding: int, top: Tensor, left: Tensor, flipped: Tensor) -> Tensor:
    """Zero-pad by `padding` pixels on each side, cut the original size at (top, left), mirror where flipped.

    images: uint8 (n, channels, height, width); the result has the same shape and is contiguous.
    top, left: int64 (n,) in [0, 2 * padding]; flipped: bool (n,).
    The usual one for CIFAR-10: He et al. 2016, "Deep Residual Learning for Image Recognition", section 4.2.
    """
    n, channels, height, width = images.shape
    padded = F.pad(images, (padding, padding, padding, padding)) if padding else images
    forward = torch.arange(width, device=images.device)
    columns = left[:, None] + torch.where(flipped[:, None], forward.flip(0), forward)
    rows = top[:, None] + torch.arange(height, device=images.device)
    # One gather does crop and flip: half the time of two, and no value ever goes back to the host.
    source = rows[:, :, None] * padded.shape[3] + columns[:, None, :]
    source = source.view(n, 1, height * width).expand(n, channels, height * width)
    return padded.view(n, channels, -1).gather(2, source).view(n, channels, height, width)
