"""The training loop: steps, epochs, validation, rows into a sink. It knows no disk and no terminal."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from vgp_bench.data.batches import Batches
from vgp_bench.monitor.monitor import Monitor
from vgp_bench.records.rows import EpochRow, Row, StepRow
from vgp_bench.training.evaluation import evaluate
from vgp_bench.training.settings import TrainerSettings
from vgp_bench.training.step import TrainStep
from vgp_bench.training.tape import StepTape

READ_EVERY = 50
"""Most steps between two readings of the tape, hence between a non-finite loss and the end of the run."""

Sink = Callable[[Row], None]
Progress = Callable[[int, float], None]
"""Called with the steps done since the last call and the latest loss."""


class Diverged(Exception):  # noqa: N818  an outcome, not an error
    """The loss became NaN or infinite; every row up to there has reached the sink."""


@dataclass
class Clock:
    """Training time, validation and testing excluded, in seconds."""

    seconds: float = 0.0
    _since: float = field(default_factory=time.perf_counter)

    def start(self) -> None:
        self._since = time.perf_counter()

    def stop(self) -> float:
        """Add the time since start(); return it."""
        lap = time.perf_counter() - self._since
        self.seconds += lap
        return lap


@dataclass
class Loop:
    """One training from the first step to the last.

    train() raises Diverged when the loss is no longer finite. Everything measured goes into the sink as it comes.
    """

    model: nn.Module
    batches: Batches
    optimizer: Optimizer
    schedule: LRScheduler
    settings: TrainerSettings
    monitor: Monitor
    sink: Sink
    device: torch.device
    progress: Progress = lambda steps, loss: None
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.total_steps = self.settings.total_steps(self.batches.steps_per_epoch)
        self.tape = StepTape(READ_EVERY, self.device)
        self.step = TrainStep(self.model, self.optimizer, self.settings.clip_norm, self.tape)
        self.done = 0
        # Step, epoch and learning rate of the steps on the tape
        self.pending: list[tuple[int, int, float | torch.Tensor]] = []
        self.sums = [0.0, 0.0]  # loss and accuracy, over the steps of this epoch

    def train(self) -> None:
        """Run until max_epochs or max_steps."""
        self.model.train()
        epoch = 0
        while self.done < self.total_steps:
            self._epoch(epoch)
            epoch += 1

    def _epoch(self, epoch: int) -> None:
        first = self.done
        self.sums = [0.0, 0.0]
        self.clock.start()
        try:
            for images, labels in self.batches.epoch(epoch):
                self._step(epoch, images, labels)
                if self.done == self.total_steps:
                    break
            self._read_tape()
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
        finally:
            lap = self.clock.stop()  # also when the loss diverges: that time was spent too
        steps = self.done - first
        validation_loss, validation_accuracy = evaluate(self.model, self.batches, "validation")
        self.sink(
            EpochRow(
                epoch=epoch,
                step=self.done,
                train_loss=self.sums[0] / steps,
                train_accuracy=self.sums[1] / steps,
                validation_loss=validation_loss,
                validation_accuracy=validation_accuracy,
                images_per_second=steps * self.settings.batch_size / lap,
                seconds=self.clock.seconds,
            )
        )

    def _step(self, epoch: int, images: torch.Tensor, labels: torch.Tensor) -> None:
        observation = self.monitor.begin(self.done, self.total_steps - 1)
        loss, correct = self.step.forward_backward(images, labels)
        norms = None
        if observation is not None:
            norms = self.step.gradient_norms()
            observation.after_backward(norms)
        self.pending.append((self.done, epoch, self.schedule.get_last_lr()[0]))
        self.step.update(loss, correct, norms)
        self.schedule.step()
        if observation is not None:
            for row in observation.rows():
                self.sink(row)
        self.done += 1
        # The host has just waited for the observation, if there was one: the tape then costs it nothing.
        if self.tape.advance() or observation is not None:
            self._read_tape()

    def _read_tape(self) -> None:
        """Turn the steps on the tape into rows; the one place where the loop waits for the device."""
        notes, self.pending = self.pending, []
        loss = math.nan
        for (step, epoch, rate), (loss, correct, gradient_l2) in zip(notes, self.tape.read(), strict=True):
            accuracy = correct / self.settings.batch_size
            self.sums[0] += loss
            self.sums[1] += accuracy
            self.sink(StepRow(step, epoch, float(rate), loss, accuracy, gradient_l2))
            if not math.isfinite(loss):
                raise Diverged(f"the loss is {loss} at step {step}")
        if notes:
            self.progress(len(notes), loss)
