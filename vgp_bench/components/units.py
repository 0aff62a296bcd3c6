"""Which dimension of an activation's values counts its units."""

from torch import Tensor


def unit_dimension(values: Tensor) -> int:
    """(n, units), (n, channels, height, width): 1. (n, length, features), as of a Transformer's feed-forward: the last.

    A channel over all positions, or a feature over all time steps, is one unit.
    """
    return values.ndim - 1 if values.ndim <= 3 else 1
