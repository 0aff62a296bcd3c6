"""Transformer encoder for sequences (Vaswani et al. 2017; pre- and post-LN as in Xiong et al. 2020)."""

from torch import nn

from vgp_bench.architectures.dropout import dropout as dropout_layer
from vgp_bench.architectures.encoder import Encoder, MeanOverPositions
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.positions import Positions, added_positions
from vgp_bench.architectures.transformer_settings import Norm, TransformerSettings
from vgp_bench.data.sequences import SequenceShape


class Transformer(Encoder):
    """A linear embedding of each time step, the encoder, and a linear output.

    forward: float32 (n, length, features) -> (n, outputs) from the mean over the time steps, or
    (n, length, outputs) where the task asks for an answer at every step. Keys: see TransformerSettings.
    """

    def __init__(
        self,
        sequence: SequenceShape,
        parts: Parts,
        blocks: int = 4,
        width: int = 64,
        heads: int = 4,
        mlp_ratio: int = 4,
        norm: Norm = "pre",
        positions: Positions = "sinusoidal",
        causal: bool = False,
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
            causal=causal,
            dropout=dropout,
            drop_path=drop_path,
        )
        embedding = nn.Sequential(
            nn.Linear(sequence.features, width),
            *added_positions(positions, sequence.length, width),
            *dropout_layer(dropout),
        )
        pooling: list[nn.Module] = [] if sequence.every_step else [MeanOverPositions()]
        super().__init__(settings, parts, embedding, sequence.length, pooling, sequence.outputs)
