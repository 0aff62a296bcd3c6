"""L2 norms that neither underflow nor hide non-finite values.

||g||_2 = sqrt(sum g_i^2). Vanishing is what we are here to see, and in float32 the square of 1e-23 is already zero: a
norm is taken in float64 wherever float32 could not be trusted, so that every value float32 can hold (down to 1e-45)
counts. RMS = ||g||_2 / sqrt(n) is comparable between layers of different size.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

SAFE = (1e-12, 1e18)
"""A float32 norm between these is right: what underflowed is below 1e-19 a value, and nothing overflowed."""

HALF = (torch.bfloat16, torch.float16)

Figure = Tensor | float
"""0-d, on the device; or a number, where the host could read it without waiting."""


def finite_norm(tensor: Tensor, float32_norm: Tensor | None = None) -> tuple[Figure, Figure]:
    """(L2 norm of the finite values, number of non-finite values).

    float32_norm: the plain norm, if it is known already. On the CPU, where looking at a value costs nothing, a float32
    norm in the SAFE range is taken (it is finite, hence so are all values); anything else is measured again with care.
    On CUDA looking would mean waiting, so care is always taken; there it costs next to nothing.
    """
    if tensor.dtype in HALF:
        tensor = tensor.float()  # a norm of 16-bit values would itself be rounded to 16 bits
    if tensor.device.type == "cpu":
        norm = float(torch.linalg.vector_norm(tensor) if float32_norm is None else float32_norm)
        if SAFE[0] < norm < SAFE[1]:
            return norm, 0.0
    finite = finite_values(tensor)
    # NaN and infinity minus zero stay; much quicker than torch.isfinite on the CPU.
    return torch.linalg.vector_norm(finite, dtype=torch.float64), torch.count_nonzero(tensor - finite)


def true_norms(tensors: list[Tensor]) -> Sequence[Tensor]:
    """||.||_2 of each tensor, 0-d, neither underflown nor overflown; NaN or infinite values make it so.

    As finite_norm does: float32 where the CPU can see that it is right, float64 elsewhere and on CUDA.
    """
    if not tensors:
        return []
    if tensors[0].device.type != "cpu":
        return torch._foreach_norm(tensors, dtype=torch.float64)
    norms = list(torch._foreach_norm(tensors))
    for index, norm in enumerate(torch.stack(norms).tolist()):
        if not SAFE[0] < norm < SAFE[1]:
            norms[index] = torch.linalg.vector_norm(tensors[index], dtype=torch.float64)
    return norms


def finite_values(tensor: Tensor) -> Tensor:
    """The tensor with zeros in place of NaN and infinity."""
    return torch.nan_to_num(tensor, nan=0.0, posinf=0.0, neginf=0.0)
