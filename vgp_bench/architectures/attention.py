"""Multi-head self-attention (Vaswani et al. 2017, section 3.2)."""

from torch import Tensor, nn
from torch.nn import functional as F

from vgp_bench.architectures.positions import RotaryPositions
from vgp_bench.architectures.transformer_settings import TransformerSettings


class SelfAttention(nn.Module):
    """softmax(q k^T / sqrt(d)) v in each head of d = width / heads features, joined and projected.

    forward: (n, length, width) -> (n, length, width). Query, key, value and output are layers of their own, so that
    initializers see four square matrices: one joint matrix would have another fan-out. Causal: a position attends to
    itself and those before it. Dropout acts on the attention weights.
    """

    def __init__(self, settings: TransformerSettings, length: int) -> None:
        super().__init__()
        width = settings.width
        self.settings = settings
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.rotary = RotaryPositions(length, settings.head_width) if settings.positions == "rotary" else None
        self.output = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (self._split(layer(x)) for layer in (self.query, self.key, self.value))
        if self.rotary is not None:
            q, k = self.rotary(q), self.rotary(k)
        dropout = self.settings.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=self.settings.causal)
        out: Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return out

    def _split(self, x: Tensor) -> Tensor:
        """(n, length, width) -> (n, heads, length, head width)"""
        heads: Tensor = x.unflatten(2, (self.settings.heads, -1))
        return heads.transpose(1, 2)
