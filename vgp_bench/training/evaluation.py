"""Loss and accuracy on a split, in evaluation mode."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from vgp_bench.data.batches import Batches, SplitName


@torch.no_grad()
def evaluate(model: nn.Module, batches: Batches, split: SplitName) -> tuple[float, float]:
    """(mean cross-entropy in nats, accuracy) over the split; (NaN, NaN) for an empty one. Keeps the model's mode."""
    was_training = model.training
    model.eval()
    losses, correct, count = [], [], 0
    for images, labels in batches.evaluation(split):
        if len(labels):
            logits = model(images)
            losses.append(F.cross_entropy(logits, labels, reduction="sum").double())
            correct.append((logits.argmax(1) == labels).sum())
            count += len(labels)
    model.train(was_training)
    if not count:
        return math.nan, math.nan
    return torch.stack(losses).sum().item() / count, torch.stack(correct).sum().item() / count
