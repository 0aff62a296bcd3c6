"""Transformer encoder: embedding, sublayers, output. What sequences and images share."""

from torch import Tensor, nn

from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.stages import Architecture, Stage
from vgp_bench.architectures.transformer_blocks import scale_branches, sublayers
from vgp_bench.architectures.transformer_settings import TransformerSettings


class Encoder(Architecture):
    """embedding: inputs -> (n, length, width). pooling: modules between the last block and the linear output.

    Every sublayer is a stage whose output h_l is the residual stream after its addition (and normalizer, with
    norm=post and deepnorm). Depth counts weight layers in series: the embedding one, attention two (value and output
    projection; query and key lie beside them), feed-forward two, the output one: 4 blocks + 2 in all. With norm=pre a
    last normalizer stands before the output (Xiong et al. 2020, table 1).
    """

    def __init__(
        self,
        settings: TransformerSettings,
        parts: Parts,
        embedding: nn.Module,
        length: int,
        pooling: list[nn.Module],
        outputs: int,
    ) -> None:
        super().__init__()
        settings.check_parts(parts)
        self.settings = settings
        self.embedding = embedding
        self.sublayers = sublayers(settings, parts, length)
        last = parts.normalize(settings.width, spatial=False) if settings.norm == "pre" else []
        self.output = nn.Sequential(*last, *pooling, nn.Linear(settings.width, outputs))

    def finish_initialization(self) -> None:
        scale_branches(self.settings, self.sublayers)

    def stages(self) -> list[Stage]:
        stages = [Stage("embedding", self.embedding, 1)]
        for index, sublayer in enumerate(self.sublayers):
            block, second = divmod(index, 2)
            name = f"block_{block + 1}_{'feed_forward' if second else 'attention'}"
            stages.append(Stage(name, sublayer, 1 + 2 * (index + 1)))
        return [*stages, Stage("output", self.output, stages[-1].depth + 1, "output")]

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.output(self.sublayers(self.embedding(inputs)))
        return outputs


class MeanOverPositions(nn.Module):
    """(n, length, width) -> (n, width)"""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=1)
