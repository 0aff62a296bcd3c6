"""Vision Transformer (Dosovitskiy et al. 2020, section 3.1)."""

from math import gcd
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from vgp_bench.architectures.divisors import near_divisors
from vgp_bench.architectures.dropout import dropout as dropout_layer
from vgp_bench.architectures.encoder import Encoder, MeanOverPositions
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.positions import Positions, added_positions
from vgp_bench.architectures.sizes import check_choice, check_positive
from vgp_bench.architectures.transformer_settings import Norm, TransformerSettings
from vgp_bench.errors import ConfigError

Pool = Literal["mean", "token"]


class ViT(Encoder):
    """An image as a sequence of patch x patch squares, row by row, each embedded linearly; then the encoder.

    The classifier sees, with pool mean, the mean over the patches, and with pool token, a learned class token that
    stands before them. The paper has pool token, norm pre and learned positions. Keys: see TransformerSettings.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        classes: int,
        parts: Parts,
        patch: int = 4,
        pool: Pool = "mean",
        blocks: int = 4,
        width: int = 64,
        heads: int = 4,
        mlp_ratio: int = 4,
        norm: Norm = "pre",
        positions: Positions = "learned",
        dropout: float = 0.0,
        drop_path: float = 0.0,
    ) -> None:
        settings = TransformerSettings(
            blocks=blocks,
            width=width,
            heads=heads,
            mlp_ratio=mlp_ratio,
            norm=norm,
            positions=positions,
            dropout=dropout,
            drop_path=drop_path,
        )
        check_choice(get_args(Pool), pool=pool)
        check_positive(patch=patch)
        channels, height, image_width = image_shape
        if height % patch or image_width % patch:
            raise ConfigError(
                f"architecture.patch={patch}: must divide the images' height {height} and width {image_width}: "
                f"use {near_divisors(gcd(height, image_width), patch)}"
            )
        token = pool == "token"
        length = (height // patch) * (image_width // patch) + token
        embedding = nn.Sequential(
            Patches(patch),
            nn.Linear(channels * patch**2, width),
            *([ClassToken(width)] if token else []),
            *added_positions(positions, length, width),
            *dropout_layer(dropout),
        )
        pooling = FirstPosition() if token else MeanOverPositions()
        super().__init__(settings, parts, embedding, length, [pooling], classes)


class Patches(nn.Module):
    """(n, c, height, width) -> (n, patches, c * size * size), size x size patches row by row, each in the order of a
    convolution's filter. A linear layer on them is a convolution of that size and stride.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, images: Tensor) -> Tensor:
        squares: Tensor = images.unflatten(3, (-1, self.size)).unflatten(2, (-1, self.size))  # n, c, row, y, column, x
        return squares.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


class ClassToken(nn.Module):
    """Puts a learned vector before the sequence: (n, length, width) -> (n, 1 + length, width). Starts at
    Normal(0, .02^2), as in BERT (Devlin et al. 2019)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.empty(width).normal_(0.0, 0.02))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.token.expand(len(x), 1, -1), x], dim=1)


class FirstPosition(nn.Module):
    """(n, length, width) -> (n, width)"""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, 0]
