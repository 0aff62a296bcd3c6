"""The keys that every Transformer encoder shares, and which of their combinations make sense."""

from dataclasses import dataclass
from typing import Literal, get_args

from vgp_bench.architectures.divisors import near_divisors
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.positions import Positions
from vgp_bench.architectures.sizes import check_choice, check_positive, check_rates
from vgp_bench.components.normalizers import BatchNormalizer, GroupNormalizer, InstanceNormalizer
from vgp_bench.errors import ConfigError

Norm = Literal["pre", "post", "deepnorm"]


@dataclass(frozen=True, kw_only=True)
class TransformerSettings:
    """Raises ConfigError for a value that is impossible by itself or next to another."""

    blocks: int = 4
    width: int = 64
    heads: int = 4
    mlp_ratio: int = 4
    norm: Norm = "pre"
    positions: Positions = "sinusoidal"
    causal: bool = False
    dropout: float = 0.0
    drop_path: float = 0.0

    def __post_init__(self) -> None:
        check_positive(blocks=self.blocks, width=self.width, heads=self.heads, mlp_ratio=self.mlp_ratio)
        check_choice(get_args(Norm), norm=self.norm)
        check_choice(get_args(Positions), positions=self.positions)
        check_rates(dropout=self.dropout, drop_path=self.drop_path)
        if self.width % self.heads:
            raise ConfigError(
                f"architecture.heads={self.heads}: must divide architecture.width={self.width}: "
                f"use {near_divisors(self.width, self.heads)}"
            )
        if self.positions == "rotary" and self.head_width % 2:
            raise ConfigError(
                "architecture.positions=rotary turns pairs of features, and a head has "
                f"{self.head_width}: use architecture.width={self.width + self.heads} or other positions"
            )

    @property
    def head_width(self) -> int:
        """Features of each attention head."""
        return self.width // self.heads

    @property
    def shortcut_scale(self) -> float:
        """alpha in norm(alpha x + F(x)); DeepNorm's for an encoder without decoder (Wang et al. 2022, figure 2)."""
        return (2 * self.blocks) ** (1 / 4) if self.norm == "deepnorm" else 1.0

    @property
    def branch_scale(self) -> float:
        """beta, by which DeepNorm multiplies the weights of feed-forward, value and output (same place)."""
        return (8 * self.blocks) ** (-1 / 4) if self.norm == "deepnorm" else 1.0

    def drop_path_of(self, block: int) -> float:
        """The probability to leave out each branch of block 1, 2, ...: linear in depth, drop_path in the last block
        (Huang et al. 2016, equation 4).
        """
        return self.drop_path * block / self.blocks

    def check_parts(self, parts: Parts) -> None:
        """Raise ConfigError for a normalizer that a Transformer cannot use."""
        normalizer = parts.normalizer
        for name, kind in (("batch", BatchNormalizer), ("group", GroupNormalizer), ("instance", InstanceNormalizer)):
            if isinstance(normalizer, kind):
                raise ConfigError(
                    f"normalizer={name}: a Transformer normalizes the features of each position by itself: "
                    "use normalizer=layer, rms or none"
                )
        if self.norm == "deepnorm" and not normalizer.normalizes:
            raise ConfigError(
                "architecture.norm=deepnorm multiplies the shortcut by a constant above 1, and without a normalizer "
                "the signal grows with it in every block: use normalizer=layer or rms, or architecture.norm=post"
            )
        if normalizer.normalizes and normalizer.placement == "after":
            raise ConfigError(
                "normalizer.placement=after: in a Transformer architecture.norm says where the normalizer is: "
                "set normalizer.placement=before"
            )
        if normalizer.weight_standardization:
            raise ConfigError(
                "normalizer.weight_standardization=true makes attention scores grow with the width until every "
                "softmax picks one position: set it to false"
            )
