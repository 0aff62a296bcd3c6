"""L2 norms that neither underflow nor hide non-finite values.

||g||_2 = sqrt(sum g_i^2). Vanishing is what we are here to see, and in float32 the square of 1e-23 is already zero: a
norm is taken in float64 wherever float32 could not be trusted, so that every value float32 can hold (down to 1e-45)
counts. RMS = ||g||_2 / sqrt(n) is comparable between layers of different size.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vgp_bench.components.counting import as_array
from vgp_bench.monitor.room import Room

TINY, HUGE = 1e-12, 1e18
"""A float32 norm between these is right: what underflowed is below 1e-19 a value, and nothing overflowed."""

PORTION = 2**18
"""Values whose squares are added up in float32 in one go: five digits in the usual case, four where all are equal."""

HALF = (torch.bfloat16, torch.float16)

Figure = Tensor | float
"""0-d, on the device; or a number, where the host could read it without waiting."""


def host_norm(tensor: Tensor) -> float:
    """||.||_2 of a tensor on the CPU, in float32 or the tensor's finer precision: to be trusted from TINY to HUGE.

    As a product of the tensor with itself: BLAS uses all cores, torch's norm one, and loses fewer digits.
    """
    array = as_array(tensor)
    if array is not None:
        return math.sqrt(np.vdot(array, array))  # unlike np.dot it does not warn of an overflow
    if tensor.dtype in HALF:
        tensor = tensor.float()  # a norm of 16-bit values would itself be rounded to 16 bits
    if not tensor.is_contiguous():
        return float(torch.linalg.vector_norm(tensor))
    flat = tensor.view(-1)
    if flat.numel() <= PORTION:
        return math.sqrt(torch.dot(flat, flat).item())
    return math.sqrt(sum(torch.dot(portion, portion).item() for portion in flat.split(PORTION)))


def finite_norm(tensor: Tensor, known: Figure | None = None) -> tuple[Figure, Figure]:
    """(L2 norm of the finite values, number of non-finite values).

    known: the true_norm, if it is there already. On the CPU, where looking at a value costs nothing, a float32
    norm from TINY to HUGE is taken (it is finite, hence so are all values); anything else is measured again with care.
    On CUDA looking would mean waiting, so care is always taken; there it costs next to nothing.
    """
    if tensor.is_cpu:
        norm = host_norm(tensor) if known is None else float(known)
        if TINY < norm < HUGE:
            return norm, 0.0
    if tensor.dtype in HALF:
        tensor = tensor.float()  # a norm of 16-bit values would itself be rounded to 16 bits
    finite = finite_values(tensor)
    # NaN and infinity minus zero stay; much quicker than torch.isfinite on the CPU.
    return torch.linalg.vector_norm(finite, dtype=torch.float64), torch.count_nonzero(tensor - finite)


def true_norm(tensor: Tensor) -> Figure:
    """||.||_2, neither underflown nor overflown; NaN or infinite values make it so.

    As finite_norm does: float32 where the CPU can see that it is right, float64 elsewhere and on CUDA.
    """
    if tensor.is_cpu:
        norm = host_norm(tensor)
        if TINY < norm < HUGE:
            return norm
    in_double: Tensor = torch.linalg.vector_norm(tensor, dtype=torch.float64)
    return in_double


def true_norms(tensors: Sequence[Tensor]) -> Sequence[Figure]:
    """true_norm of each, on a GPU in one go."""
    if on_one_gpu(tensors):
        return torch._foreach_norm(list(tensors), dtype=torch.float64)
    return [true_norm(tensor) for tensor in tensors]


def on_one_gpu(tensors: Sequence[Tensor]) -> bool:
    """Whether there are any, and all of them lie on the same device that is not the CPU."""
    return bool(tensors) and not tensors[0].is_cpu and len({tensor.device for tensor in tensors}) == 1


def joint_norm(norms: Sequence[Figure]) -> Tensor:
    """||.||_2 of several tensors together from the norm of each: float64 (), where the norms are. At least one.

    Not finite if one of them is not.
    """
    parts = [norm.double() for norm in norms if isinstance(norm, Tensor)]
    known = math.hypot(*(norm for norm in norms if not isinstance(norm, Tensor)))
    if not parts:
        return torch.full((), known, dtype=torch.float64)
    whole: Tensor = torch.linalg.vector_norm(torch.stack([*parts, parts[0].new_full((), known)]))
    return whole


def absolute_sum(values: Tensor, room: Room) -> Figure:
    """||.||_1, of 16-bit values too; infinite only if one of them is."""
    sizes = torch.abs(values, out=room.like(values))
    if values.device.type == "cpu" and values.dtype not in HALF:
        total = float(sizes.sum())  # pairwise, so with all digits; nothing can underflow
        if math.isfinite(total):
            return total
    return sizes.sum(dtype=torch.float64)


def finite_values(tensor: Tensor) -> Tensor:
    """The tensor with zeros in place of NaN and infinity."""
    return torch.nan_to_num(tensor, nan=0.0, posinf=0.0, neginf=0.0)
