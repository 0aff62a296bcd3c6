"""Symbols as a network reads them."""

import torch
from torch import Tensor


def one_hot(symbols: Tensor, kinds: int) -> Tensor:
    """int64 (n, length), each in [0, kinds) -> float32 (n, length, kinds), contiguous: 1 at the symbol, else 0.

    Unlike torch's own it never makes the host wait: the range is not checked on a CPU either.
    """
    return torch.zeros(*symbols.shape, kinds, device=symbols.device).scatter_(2, symbols.unsqueeze(2), 1.0)
