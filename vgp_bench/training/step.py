"""One optimizer step: static shapes, no waiting for the host, no Python state that a replay would miss.

So a CUDA graph can capture it later. What belongs to the host (schedule, rows, progress) stays outside.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from vgp_bench.training.tape import StepTape


class TrainStep:
    """forward_backward(), then update(); between them stands who wants to see gradients before clipping."""

    def __init__(self, model: nn.Module, optimizer: Optimizer, clip_norm: float | None, tape: StepTape) -> None:
        self.model = model
        self.optimizer = optimizer
        self.clip_norm = clip_norm
        self.tape = tape
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.not_measured = torch.full((), torch.nan, dtype=torch.float64, device=tape.values.device)

    def forward_backward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy and number of correct answers, 0-d; gradients in .grad."""
        logits = self.model(images)
        loss = F.cross_entropy(logits, labels)
        for parameter in self.parameters:
            parameter.grad = None
        loss.backward()
        return loss.detach(), (logits.detach().argmax(1) == labels).sum()

    def gradient_norm(self) -> Tensor:
        """||dL/dtheta||_2 over all parameters, 0-d float64: layer by layer in float32, joined in float64."""
        gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        norm: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)).double())
        return norm

    def update(self, loss: Tensor, correct: Tensor, gradient_l2: Tensor | None = None) -> None:
        """Clip if asked to, let the optimizer step, write the tape."""
        if self.clip_norm is not None:
            gradient_l2 = self.gradient_norm() if gradient_l2 is None else gradient_l2
            torch.nn.utils.clip_grads_with_norm_(self.parameters, self.clip_norm, gradient_l2.float())
        self.optimizer.step()
        self.tape.write(loss, correct, self.not_measured if gradient_l2 is None else gradient_l2)
