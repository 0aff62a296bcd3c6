"""One optimizer step: static shapes, no waiting for the host, no Python state that a replay would miss.

So a CUDA graph can capture it later. What belongs to the host (schedule, rows, progress) stays outside.
"""

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from vgp_bench.data.objectives import Objective
from vgp_bench.training.clipping import Clipping
from vgp_bench.training.gradient_norms import GradientNorms, gradient_norms
from vgp_bench.training.precision import Precision
from vgp_bench.training.tape import StepTape


class TrainStep:
    """forward_backward(), then update(); between them stands who wants to see gradients before clipping.

    micro_batches: portions of equal size that a batch is processed in, their gradients added up; the result is that of
    the whole batch, but for layers that look across the batch (batch normalization sees one portion at a time).
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        objective: Objective,
        tape: StepTape,
        precision: Precision,
        clipping: Clipping | None = None,
        micro_batches: int = 1,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.objective = objective
        self.tape = tape
        self.precision = precision
        self.clipping = clipping
        self.micro_batches = micro_batches
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.not_measured = torch.full((), torch.nan, dtype=torch.float64, device=tape.values.device)

    def forward_backward(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss and number of right answers, 0-d; gradients in .grad, at their true size."""
        for parameter in self.parameters:
            parameter.grad = None
        if self.micro_batches == 1:
            loss, correct = self._portion(inputs, targets)
        else:
            size = len(targets) // self.micro_batches
            portions = zip(inputs.split(size), targets.split(size), strict=True)
            found = [self._portion(*portion) for portion in portions]
            loss, correct = (torch.stack(figures).sum() for figures in zip(*found, strict=True))
        self.precision.unscale(self.optimizer)
        return loss, correct

    def _portion(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        with self.precision.autocast():
            outputs = self.model(inputs).float()
            loss = self.objective.loss(outputs, targets)
        if self.micro_batches > 1:
            loss = loss / self.micro_batches
        self.precision.scaled(loss).backward()
        return loss.detach(), self.objective.correct(outputs, targets)

    def gradient_norms(self) -> GradientNorms:
        """Of the parameters that are trained."""
        return gradient_norms(self.parameters)

    def update(self, loss: Tensor, correct: Tensor, norms: GradientNorms | None = None) -> None:
        """Clip if asked to, let the optimizer step, write the tape. norms: gradient_norms(), if taken already."""
        gradient_l2 = clipped = self.not_measured
        if norms is None and self.clipping is not None and self.clipping.needs_norm:
            norms = self.gradient_norms()
        if norms is not None:
            gradient_l2 = norms.whole()
        if self.clipping is not None:
            clipped = self.clipping.clip(self.parameters, gradient_l2)
        rate = self.optimizer.param_groups[0]["lr"]
        self.precision.step(self.optimizer)
        self.tape.write(loss, correct, gradient_l2, clipped, rate)
