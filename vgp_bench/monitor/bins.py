"""The bins of a histogram: which they are, and how many values are in each.

Values that are exactly 0 are counted apart, in a bin of no width: a ReLU puts half of its outputs there, and a bin
around 0 would mix them with small positive values. Values that are NaN or infinite have a bin without edges. So the
counts of a stage add up to the number of its values.

All others share bins of equal width w, the least power of 2 for which they span no more than BINS w, with edges at
whole multiples of w. So 0, 1 and -1, where activations end, are edges; layers and steps of a similar range have the
same bins; and the edges, which would make up most of the file, repeat in it. Where all values are equal, or so close
that float64 has no edges between them, there is a single bin from the least to the greatest.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor

BINS = 64
"""Most bin widths that the values span. There are 33 to 65 bins: one more where the values do not begin at an edge."""
NO_BIN = BINS + 1
PORTION = 2**18
"""Values that are counted at a time, so that the room this takes (some 10 MB) does not grow with the network."""

Bin = tuple[float, float, int]
"""(lower edge, upper edge, count)"""


def counts(values: Tensor) -> Tensor:
    """float64 (BINS + 8,): the least and the greatest of the values that are finite and not 0, their number, that of
    zeros, the width of a bin, the first edge in widths, the counts of BINS + 1 bins, and of all other values.

    values: of any shape, not empty. Exact up to 2^53 values, and the same at every call: whole numbers are added up.
    The host waits for nothing.
    """
    portions = values.flatten().split(PORTION)
    found = [_range(portion) for portion in portions]
    lows, highs, kept, nonzero = (torch.stack(figures) for figures in zip(*found, strict=True))
    low, high = lows.amin().double(), highs.amax().double()
    width = bin_width(low, high)
    first = (low / width).floor()
    last = (high / width).ceil() - 1 - first  # this bin holds its upper edge too: 1 is part of a sigmoid's range
    between = torch.zeros(BINS + 2, dtype=torch.int64, device=values.device)
    one = torch.ones_like(between[:1])
    for portion in portions:
        places = ((portion.double() / width).floor() - first).clamp(max=last)  # exact, as width is a power of 2
        places = torch.where(_is_binned(portion), places, NO_BIN).nan_to_num(NO_BIN).clamp(0, NO_BIN)
        between.scatter_add_(0, places.long(), one.expand_as(places))  # unlike bincount it does not wait on CUDA
    zeros = values.numel() - nonzero.sum()
    few = torch.stack([low, high, kept.sum().double(), zeros.double(), width, first])
    return torch.cat([few, between.double()])


def _is_binned(portion: Tensor) -> Tensor:
    return portion.isfinite() & (portion != 0)


def _range(portion: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(least, greatest, number) of the values that are finite and not 0; number of values that are not 0.

    Without such values the least is infinity and the greatest minus infinity.
    """
    binned = _is_binned(portion)
    low = torch.where(binned, portion, math.inf).amin()
    high = torch.where(binned, portion, -math.inf).amax()
    return low, high, torch.count_nonzero(binned), torch.count_nonzero(portion)


def bin_width(low: Tensor, high: Tensor) -> Tensor:
    """The least power of 2 that is a BINS-th of the range or more; NaN where there is nothing to divide."""
    least = high / BINS - low / BINS
    mantissa, _ = torch.frexp(least)  # least = mantissa 2^k, mantissa in [1/2, 1)
    return least / mantissa * (2 * mantissa).ceil() / 2  # 2^k, or least where that is a power of 2 itself


def bins(numbers: Sequence[float], size: int) -> Iterator[Bin]:
    """The bins of what counts() found among `size` values: zeros, all others from low to high, non-finite ones."""
    low, high, kept, zeros, width, first = numbers[:6]
    edges = [(first + i) * width for i in range(BINS + 2)]
    if zeros:
        yield 0.0, 0.0, int(zeros)
    if kept and all(a < b for a, b in pairwise(edges)):
        used = bisect_left(edges, high)
        yield from zip(edges[:used], edges[1 : used + 1], map(int, numbers[6 : 6 + used]), strict=True)
    elif kept:
        yield low, high, int(kept)
    if nonfinite := size - int(zeros + kept):
        yield math.nan, math.nan, nonfinite
