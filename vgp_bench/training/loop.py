"""The training loop: steps, epochs, validation, rows into a sink. It knows no disk and no terminal."""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from vgp_bench.data.feed import Feed, Source
from vgp_bench.data.objectives import Classification
from vgp_bench.errors import ConfigError
from vgp_bench.monitor.monitor import Monitor
from vgp_bench.records.rows import EpochRow, Row, StepRow
from vgp_bench.training.clipping import Clipping
from vgp_bench.training.evaluation import evaluate
from vgp_bench.training.precision import Precision
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
    feed: Feed
    optimizer: Optimizer
    schedule: LRScheduler
    settings: TrainerSettings
    monitor: Monitor
    sink: Sink
    device: torch.device
    clipping: Clipping | None = None
    progress: Progress = lambda steps, loss: None
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.total_steps = self.settings.total_steps(self.batches.steps_per_epoch)
        self.tape = StepTape(READ_EVERY, self.device)
        objective = self.feed.objective
        if smoothing := self.settings.label_smoothing:  # in training only: what is evaluated stays comparable
            if not isinstance(objective, Classification):
                raise ConfigError("trainer.label_smoothing: this task has no classes to smooth; set it to 0")
            objective = replace(objective, label_smoothing=smoothing)
        self.step = TrainStep(
            self.model,
            self.optimizer,
            objective,
            self.tape,
            Precision(self.settings.precision, self.device),
            self.clipping,
            self.settings.micro_batches,
        )
        self.done = 0
        self.pending: list[tuple[int, int]] = []  # step and epoch of the steps on the tape
        self.last_reading = time.monotonic()
        self.sums = [0.0, 0.0]  # loss and accuracy, over the steps of this epoch

    @property
    def batches(self) -> Source:
        return self.feed.batches

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
            for inputs, targets in self.batches.epoch(epoch):
                self._step(epoch, inputs, targets)
                if self.done == self.total_steps:
                    break
            self._read_tape()
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
        except BaseException:  # Ctrl-C, lack of memory: the steps done until then are kept
            with suppress(Exception):
                self._read_tape()
            raise
        finally:
            lap = self.clock.stop()  # also when the loss diverges: that time was spent too
        steps = self.done - first
        validation_loss, validation_accuracy = evaluate(self.model, self.feed, "validation")
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

    def _step(self, epoch: int, inputs: torch.Tensor, targets: torch.Tensor) -> None:
        for time_row in self.monitor.through_time(self.done, self.total_steps - 1):
            self.sink(time_row)
        observation = self.monitor.begin(self.done, self.total_steps - 1)
        loss, correct = self.step.forward_backward(inputs, targets)
        norms = None
        if observation is not None:
            norms = self.step.gradient_norms()
            observation.after_backward(norms, self.step.precision.scale)
        self.pending.append((self.done, epoch))
        self.step.update(loss, correct, norms)
        self.schedule.step()
        if observation is not None:
            for layer_row in observation.rows():
                self.sink(layer_row)
            for histogram_row in observation.histograms:
                self.sink(histogram_row)
        self.done += 1
        # The host has just waited for the observation, if there was one: the tape then costs it nothing.
        if self.tape.advance() or observation is not None or self._is_due():
            self._read_tape()

    def _is_due(self) -> bool:
        """On the CPU, where reading costs nothing: twice a second, so that slow steps are seen and saved too."""
        return self.device.type == "cpu" and time.monotonic() - self.last_reading > 0.5

    def _read_tape(self) -> None:
        """Turn the steps on the tape into rows. Here the host waits for the device, as it does where something is
        measured, probed or evaluated; between these never."""
        self.last_reading = time.monotonic()
        written = self.tape.length  # one less than the notes, if a step was broken off
        notes, self.pending = self.pending[:written], self.pending[written:]
        loss = math.nan
        for (step, epoch), (loss, correct, gradient_l2, clipped, rate) in zip(notes, self.tape.read(), strict=True):
            accuracy = correct / self.settings.batch_size
            self.sums[0] += loss
            self.sums[1] += accuracy
            self.sink(StepRow(step, epoch, rate, loss, accuracy, gradient_l2, clipped))
            if not math.isfinite(loss):
                raise Diverged(f"the loss is {loss} at step {step}")
        if notes:
            self.progress(len(notes), loss)
