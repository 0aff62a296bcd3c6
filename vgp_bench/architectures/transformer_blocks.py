"""Sublayers of a Transformer encoder: attention or feed-forward, each with its addition and its normalizer."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from vgp_bench.architectures.attention import SelfAttention
from vgp_bench.architectures.dropout import dropout, stochastic_depth
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.transformer_settings import TransformerSettings
from vgp_bench.errors import ConfigError


class PreNormSublayer(nn.Module):
    """h = x + F(norm(x)) (Xiong et al. 2020, table 1, right)."""

    def __init__(self, branch: nn.Module, normalizer: nn.Module) -> None:
        super().__init__()
        self.normalizer = normalizer
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = x + self.branch(self.normalizer(x))
        return h


class PostNormSublayer(nn.Module):
    """h = norm(alpha x + F(x)): post-LN with alpha = 1 (Vaswani et al. 2017), else DeepNorm (Wang et al. 2022)."""

    def __init__(self, branch: nn.Module, normalizer: nn.Module, shortcut_scale: float) -> None:
        super().__init__()
        self.branch = branch
        self.normalizer = normalizer
        self.shortcut_scale = shortcut_scale

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.shortcut_scale == 1 else self.shortcut_scale * x
        h: Tensor = self.normalizer(shortcut + self.branch(x))
        return h


def sublayers(settings: TransformerSettings, parts: Parts, length: int) -> nn.Sequential:
    """Attention and feed-forward of every block, in turn: (n, length, width) -> (n, length, width)."""

    def sublayer(branch: nn.Module, block: int) -> nn.Module:
        branch = nn.Sequential(branch, *dropout(settings.dropout), *stochastic_depth(settings.drop_path_of(block)))
        normalizer = nn.Sequential(*parts.normalize(settings.width, spatial=False))
        if settings.norm == "pre":
            return PreNormSublayer(branch, normalizer)
        return PostNormSublayer(branch, normalizer, settings.shortcut_scale)

    chain = nn.Sequential()
    for block in range(1, settings.blocks + 1):
        chain.append(sublayer(SelfAttention(settings, length), block))
        chain.append(sublayer(_feed_forward(settings, parts), block))
    return chain


def scaled_layers(sublayers: Iterable[nn.Module]) -> Iterator[nn.Linear]:
    """The layers whose weights DeepNorm scales: value and output of attention, both of each feed-forward."""
    for sublayer in sublayers:
        branch = sublayer.get_submodule("branch.0")
        if isinstance(branch, SelfAttention):
            yield from (branch.value, branch.output)
        else:
            yield from (module for module in branch.children() if isinstance(module, nn.Linear))


def scale_branches(settings: TransformerSettings, sublayers: Iterable[nn.Module]) -> None:
    """What DeepNorm prescribes after the initializer; once."""
    if settings.branch_scale != 1:
        with torch.no_grad():
            for layer in scaled_layers(sublayers):
                layer.weight *= settings.branch_scale


def _feed_forward(settings: TransformerSettings, parts: Parts) -> nn.Sequential:
    """W_2 phi(W_1 x + b_1) + b_2 at each position (Vaswani et al. 2017, section 3.3)."""
    hidden = settings.mlp_ratio * settings.width
    (activation,) = parts.activate()
    if isinstance(activation, nn.PReLU) and activation.num_parameters > 1:
        raise ConfigError(
            f"activation.num_parameters={activation.num_parameters}: torch's PReLU has its slopes along dimension 1, "
            "in a Transformer the positions: use 1"
        )
    return nn.Sequential(
        nn.Linear(settings.width, hidden),
        activation,
        *dropout(settings.dropout),
        nn.Linear(hidden, settings.width),
    )
