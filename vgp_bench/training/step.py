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

    def gradient_norms(self) -> dict[nn.Parameter, Tensor]:
        """||dL/dtheta_i||_2 of each parameter that has a gradient, 0-d, on the device."""
        gradients = {parameter: parameter.grad for parameter in self.parameters if parameter.grad is not None}
        return dict(zip(gradients, torch._foreach_norm(list(gradients.values())), strict=True))

    def update(self, loss: Tensor, correct: Tensor, norms: dict[nn.Parameter, Tensor] | None = None) -> None:
        """Clip if asked to, let the optimizer step, write the tape. norms: gradient_norms(), if taken already."""
        gradient_l2 = self.not_measured
        if norms is not None or self.clip_norm is not None:
            norms = self.gradient_norms() if norms is None else norms
            gradient_l2 = torch.linalg.vector_norm(torch.stack(list(norms.values())), dtype=torch.float64)
        if self.clip_norm is not None:
            torch.nn.utils.clip_grads_with_norm_(self.parameters, self.clip_norm, gradient_l2.float())
        self.optimizer.step()
        self.tape.write(loss, correct, gradient_l2)
