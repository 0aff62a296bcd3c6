"""Words of parentheses as rows of +1 (opening), -1 (closing) and 0 (padding, on the left), drawn all at once."""

import torch
from torch import Tensor


def dyck_words(pairs: Tensor, width: int, generator: torch.Generator) -> Tensor:
    """A balanced word for each of `pairs`, uniform among those of its length: int64 (n, width).

    pairs: int64 (n, 1), each in [1, width / 2].
    Cycle lemma (Dvoretzky & Motzkin 1947): of the 2p + 1 rotations of p + 1 openings and p closings exactly one keeps
    every prefix sum above 0, the one that begins after the last minimum. Without its first opening it is balanced, and
    each balanced word comes from 2p + 1 orders.
    """
    place = torch.arange(width + 1, device=pairs.device)
    used = place < 2 * pairs + 1
    # Sorting random keys shuffles; the unused places keep the end.
    keys = torch.rand(len(pairs), width + 1, device=pairs.device, generator=generator)
    order = torch.where(used, keys, 2.0).argsort(1)
    steps = torch.where(order <= pairs, 1, torch.where(order < 2 * pairs + 1, -1, 0))
    # Lowest first, the last of equals: argmin promises nothing about ties.
    heights = torch.where(used, steps.cumsum(1) * (width + 2) - place, (width + 2) ** 2)
    start = heights.argmin(1, keepdim=True) + 1
    padding = width - 2 * pairs
    columns = place[:-1] - padding
    rotated = steps.gather(1, (start + columns + 1).clamp(min=0) % (2 * pairs + 1))
    return torch.where(columns >= 0, rotated, 0)


def join(left: Tensor, right: Tensor) -> Tensor:
    """Each word of left with that of right behind it, padded on the left to the same width, where both must fit."""
    width = left.shape[1]
    place = torch.arange(width, device=left.device)
    behind = (right != 0).sum(1, keepdim=True)
    return torch.where(place < width - behind, left.gather(1, (place + behind).clamp(max=width - 1)), right)


def unbalance(words: Tensor, middle: Tensor) -> Tensor:
    """The last opening before and the first closing parenthesis after the middle of each word exchanged.

    words: balanced, each joined of two balanced ones. middle: int64 (n, 1), the place of the first one's end.
    No longer balanced: the prefix sum there was 0 and is -2 now, and it is below 0 nowhere after middle + 1.
    """
    place = torch.arange(words.shape[1], device=words.device)
    opening = torch.where((words == 1) & (place <= middle), place, -1).argmax(1, keepdim=True)
    closing = torch.where((words == -1) & (place > middle), -place, -words.shape[1]).argmax(1, keepdim=True)
    return words.scatter(1, opening, -1).scatter(1, closing, 1)
