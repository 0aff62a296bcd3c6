"""A restricted Boltzmann machine of binary units, learned by contrastive divergence.

p(v, h) is proportional to exp(a v + b h + h W v). Given one layer, the units of the other are independent:
p(h_j = 1 | v) = sigmoid(b_j + W_j v). Hinton 2002; Hinton, Osindero & Teh 2006, section 4; Hinton 2012, "A Practical
Guide to Training Restricted Boltzmann Machines", whose sections are named below.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

INITIAL_STD = 0.01
"""Of the weights (section 8.1)."""
SLOW_EPOCHS, SLOW_MOMENTUM = 5, 0.5
"""The first passes, in which momentum is at most this (section 9.1)."""


@dataclass
class Machine:
    """weight W (hidden, visible), hidden_bias b (hidden,), visible_bias a (visible,). The randomness is torch's global
    generator. velocity: of the three, in this order."""

    weight: Tensor
    hidden_bias: Tensor
    visible_bias: Tensor

    def __post_init__(self) -> None:
        self.velocity = [torch.zeros_like(part) for part in self.parts]

    @classmethod
    def drawn(cls, visible: Tensor, hidden: int) -> "Machine":
        """Small random weights; visible biases that give each unit its mean (section 8.1). visible: (n, units)."""
        rare = 1 / len(visible)  # a unit that is never on is taken for on in less than one of the samples
        mean = visible.mean(0).clamp(rare / 2, 1 - rare / 2)
        weight = torch.empty(hidden, visible.shape[1]).normal_(0.0, INITIAL_STD)
        return cls(weight, torch.zeros(hidden), torch.logit(mean))

    @property
    def parts(self) -> list[Tensor]:
        """What is learned."""
        return [self.weight, self.hidden_bias, self.visible_bias]

    def hidden(self, visible: Tensor) -> Tensor:
        """p(h = 1 | v): (n, visible) -> (n, hidden)."""
        return torch.sigmoid(torch.addmm(self.hidden_bias, visible, self.weight.T))

    def visible(self, hidden: Tensor) -> Tensor:
        """p(v = 1 | h): (n, hidden) -> (n, visible)."""
        return torch.sigmoid(torch.addmm(self.visible_bias, hidden, self.weight))

    def learn(self, visible: Tensor, lr: float, momentum: float, weight_decay: float) -> None:
        """One update by CD-1 on a batch (n, visible) of values within [0, 1], read as probabilities.

        The hidden units are sampled where they drive the reconstruction and nowhere else (sections 3.1 to 3.3).
        """
        hidden = self.hidden(visible)
        # Not torch.bernoulli, which would raise where a rate was too high, before anyone could say so.
        states = (torch.rand_like(hidden) < hidden).to(hidden.dtype)
        reconstruction = self.visible(states)
        reconstructed = self.hidden(reconstruction)
        n = len(visible)
        ascent = [
            (hidden.T @ visible - reconstructed.T @ reconstruction) / n - weight_decay * self.weight,
            (hidden - reconstructed).mean(0),
            (visible - reconstruction).mean(0),
        ]
        for part, velocity, direction in zip(self.parts, self.velocity, ascent, strict=True):
            velocity.mul_(momentum).add_(direction, alpha=lr)
            part.add_(velocity)

    def learn_epoch(
        self, visible: Tensor, epoch: int, batch_size: int, lr: float, momentum: float, weight_decay: float
    ) -> None:
        """One pass over the samples (n, visible) in random order; epoch: which, from 0."""
        if epoch < SLOW_EPOCHS:
            momentum = min(momentum, SLOW_MOMENTUM)
        for chosen in torch.randperm(len(visible)).split(batch_size):
            self.learn(visible[chosen], lr, momentum, weight_decay)
