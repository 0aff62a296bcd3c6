"""Labelled images as tensors: what every image data set is loaded into."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Split:
    """images: uint8 (n, channels, height, width); labels: int64 (n,)."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> "Split":
        return Split(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True)
class Augmentation:
    """Random crop after zero padding by crop_padding pixels on each side, and random horizontal flip."""

    crop_padding: int = 0
    flip: bool = False


@dataclass(frozen=True)
class ImageData:
    """A data set in three splits. mean, std: float32 (channels,) of the training images, pixels in [0, 1]."""

    train: Split
    validation: Split
    test: Split
    classes: tuple[str, ...]
    mean: Tensor
    std: Tensor
    augmentation: Augmentation = Augmentation()

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(channels, height, width)"""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width

    def to(self, device: torch.device) -> "ImageData":
        return replace(
            self,
            train=self.train.to(device),
            validation=self.validation.to(device),
            test=self.test.to(device),
            mean=self.mean.to(device),
            std=self.std.to(device),
        )
