"""The training loop: steps, epochs, validation, rows into a sink. It knows no disk and no terminal."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from vgp_bench.data.feed import Feed, Source
from vgp_bench.data.objectives import Classification
from vgp_bench.data.splits import SplitName
from vgp_bench.errors import ConfigError
from vgp_bench.monitor.monitor import Monitor
from vgp_bench.records.rows import EpochRow, Row, StepRow
from vgp_bench.training.clipping import Clipping
from vgp_bench.training.evaluation import evaluate
from vgp_bench.training.precision import Precision
from vgp_bench.training.random_state import RandomState
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


class Keeper(Protocol):
    """Who keeps what a training needs to go on later, and may stop it by raising."""

    def is_due(self, done: int) -> bool:
        """Asked after each step, so quick: whether to be told to keep() now."""

    def keep(self) -> None:
        """Between two steps, all rows up to there in the sink."""

    def between_batches(self) -> None:
        """Before each batch of an evaluation."""


class NoKeeper:
    """Keeps nothing, stops nothing."""

    def is_due(self, done: int) -> bool:
        return False

    def keep(self) -> None: ...

    def between_batches(self) -> None: ...


@dataclass
class Clock:
    """Training time in seconds: no validation, no test, no checkpoint, nothing that is told meanwhile. lap: of the
    present pass."""

    seconds: float = 0.0
    lap: float = 0.0
    _since: float | None = None

    def start(self) -> None:
        self._since = time.perf_counter()

    def stop(self) -> None:
        """Add the time since start()."""
        if self._since is not None:
            elapsed, self._since = time.perf_counter() - self._since, None
            self.seconds += elapsed
            self.lap += elapsed

    @contextmanager
    def paused(self) -> Iterator[None]:
        """For what is not training, in the midst of it: a bar, a checkpoint, a slow tracker."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def read(self) -> tuple[float, float]:
        """(seconds, lap) up to now, whether it runs or not."""
        if self._since is not None:
            self.stop()
            self.start()
        return self.seconds, self.lap


@dataclass
class Loop:
    """One training from the first step to the last.

    train() raises Diverged when the loss is no longer finite. Everything measured goes into the sink as it comes.
    When the tape is read changes no row: a divergence ends the record at its own step, however late it is found.
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
    keeper: Keeper = field(default_factory=NoKeeper)

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
        self.epoch = 0  # passes whose row is in the sink
        self.random: RandomState | None = None  # as it was before the evaluation that is going on
        self.pending: list[tuple[int, int]] = []  # step and epoch of the steps on the tape
        self.last_reading = time.monotonic()
        self.sums = [0.0, 0.0]  # loss and accuracy, over the steps of this epoch

    @property
    def batches(self) -> Source:
        return self.feed.batches

    def train(self) -> None:
        """Run until max_epochs or max_steps, from wherever it stands."""
        self.model.train()
        while self.epoch * self.batches.steps_per_epoch < self.total_steps:
            self._epoch()

    def evaluate(self, split: SplitName) -> tuple[float, float]:
        """(mean loss, accuracy) on a split. An evaluation that is stopped is done again later, so what is kept then is
        the random state from before it."""
        self.random = RandomState.now(self.device)
        figures = evaluate(self.model, self.feed, split, self.keeper.between_batches)
        self.random = None
        return figures

    def _epoch(self) -> None:
        first = self.epoch * self.batches.steps_per_epoch
        last = min(first + self.batches.steps_per_epoch, self.total_steps)
        self.clock.start()
        try:
            if self.done < last:
                for inputs, targets in self.batches.epoch(self.epoch, self.done - first):
                    self._step(self.epoch, inputs, targets)
                    if self.done == last:
                        break
            self._read_tape()
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
        except BaseException:  # Ctrl-C, lack of memory: the steps done until then are kept
            with suppress(Exception):
                self._read_tape()
            raise
        finally:
            self.clock.stop()  # also when the loss diverges: that time was spent too
        validation_loss, validation_accuracy = self.evaluate("validation")
        steps = last - first
        self.sink(
            EpochRow(
                epoch=self.epoch,
                step=self.done,
                train_loss=self.sums[0] / steps,
                train_accuracy=self.sums[1] / steps,
                validation_loss=validation_loss,
                validation_accuracy=validation_accuracy,
                images_per_second=steps * self.settings.batch_size / self.clock.lap,
                seconds=self.clock.seconds,
            )
        )
        self.epoch += 1
        self.sums, self.clock.lap = [0.0, 0.0], 0.0

    def _step(self, epoch: int, inputs: torch.Tensor, targets: torch.Tensor) -> None:
        if self.tape.length and self.monitor.cadence.logs(self.done, self.total_steps - 1):
            self._read_tape()  # after a loss that is not finite nothing is measured any more
        for time_row in self.monitor.through_time(self.done, self.total_steps - 1):
            self.sink(time_row)
        observation = self.monitor.begin(self.done, self.total_steps - 1)
        loss, correct = self.step.forward_backward(inputs, targets)
        norms = None
        if observation is not None:
            norms = self.step.gradient_norms()
            observation.after_backward(norms.each, self.step.precision.scale)
        self.pending.append((self.done, epoch))
        self.step.update(loss, correct, norms)
        self.schedule.step()
        if observation is not None:
            for layer_row in observation.rows():
                self.sink(layer_row)
            for probed_row in observation.probed:
                self.sink(probed_row)
        self.done += 1
        due = self.keeper.is_due(self.done)
        # The host has just waited for the observation, if there was one: the tape then costs it nothing.
        if self.tape.advance() or observation is not None or due or self._is_due():
            self._read_tape()
        if due:
            with self.clock.paused():
                self.keeper.keep()

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
                self.done = step + 1
                raise Diverged(f"the loss is {loss} at step {step}")
        if notes:
            with self.clock.paused():
                self.progress(len(notes), loss)
