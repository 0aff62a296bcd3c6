"""Which modules of a foreign network are weight layers, and which only belong to the weight layer before them."""

from torch import Tensor, nn
from torch.nn.utils import parametrize

from vgp_bench.components.activations import is_activation

_NORMALIZERS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.LocalResponseNorm)
_PASSED_OVER = (nn.Identity, nn.modules.dropout._DropoutNd)


def own_weights(module: nn.Module) -> list[Tensor]:
    """The matrices and filters that are the module's own, not those of modules in it (but for parametrized ones)."""
    if isinstance(module, _NORMALIZERS):
        return []
    own = list(module.parameters(recurse=False))
    if parametrize.is_parametrized(module):
        own += list(module.parametrizations.parameters())  # type: ignore[union-attr, operator]
    return [parameter for parameter in own if parameter.ndim >= 2]


def is_part_of_a_weight(module: nn.Module) -> bool:
    """Whether the module makes a weight and passes on no signal."""
    return isinstance(module, parametrize.ParametrizationList)


def is_normalizer(module: nn.Module) -> bool:
    """A normalizer of torch, or a leaf with gains and biases alone, as foreign normalizers are."""
    if isinstance(module, _NORMALIZERS):
        return True
    own = list(module.parameters())
    return bool(own) and max(p.ndim for p in own) <= 1 and not list(module.children()) and not is_activation(module)


def is_passed_over(module: nn.Module) -> bool:
    """Whether it may stand between a weight layer and its normalizer or activation."""
    return isinstance(module, _PASSED_OVER)


def layers_in_a_row(module: nn.Module) -> int:
    """How many weight layers the signal passes in it: projection and output of attention; layers of an nn.LSTM."""
    if isinstance(module, nn.RNNBase):
        return module.num_layers
    return 2 if isinstance(module, nn.MultiheadAttention) else 1


def counts_time_first(module: nn.Module) -> bool:
    """Whether it takes (time, batch, features), as torch's sequence modules do unless batch_first is set."""
    if isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer):
        return not module.self_attn.batch_first
    return isinstance(module, nn.RNNBase | nn.MultiheadAttention) and not module.batch_first
