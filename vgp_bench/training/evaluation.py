"""Loss and accuracy on a split, in evaluation mode."""

import math
from collections.abc import Callable

import torch
from torch import nn

from vgp_bench.data.feed import Feed
from vgp_bench.data.splits import SplitName


@torch.no_grad()
def evaluate(
    model: nn.Module, feed: Feed, split: SplitName, between: Callable[[], None] = lambda: None
) -> tuple[float, float]:
    """(mean loss, accuracy) over the split; (NaN, NaN) for an empty one. Keeps the model's mode.

    between: called before each batch; it may end the evaluation by raising.
    """
    was_training = model.training
    model.eval()
    losses, correct, count = [], [], 0
    for inputs, targets in feed.batches.evaluation(split):
        between()
        if len(targets):
            outputs = model(inputs)
            losses.append(feed.objective.loss(outputs, targets).double() * len(targets))
            correct.append(feed.objective.correct(outputs, targets))
            count += len(targets)
    model.train(was_training)
    if not count:
        return math.nan, math.nan
    return torch.stack(losses).sum().item() / count, torch.stack(correct).sum().item() / count
