"""The losses that a foreign loop tells, kept on the device until somebody reads them."""

import math
from collections import defaultdict
from collections.abc import Mapping

from torch import Tensor

from vgp_bench.errors import ConfigError
from vgp_bench.monitor.readings import Readings
from vgp_bench.records.rows import StepRow

Told = Tensor | float


class LossLog:
    """tell() once a step or oftener, before the optimizer's step or always after it: then it counts for the step
    before."""

    def __init__(self) -> None:
        self._read: dict[int, list[tuple[float, float]]] = defaultdict(list)
        self._waiting: list[tuple[int, Told, Told]] = []
        self._late: bool | None = None
        self._rates: dict[int, float] = {}
        self._rates_waiting: dict[int, Tensor] = {}

    def tell(self, steps_done: int, loss: Told, accuracy: Told = math.nan) -> None:
        """A loss, the mean over a batch or micro-batch; steps_done: optimizer steps so far.

        Raises ConfigError for what is no single number.
        """
        kept = (_kept(loss, "loss"), _kept(accuracy, "accuracy"))
        if self._late is None:
            self._late = steps_done > 0
        step = max(steps_done - 1, 0) if self._late else steps_done
        self._waiting.append((step, *kept))

    def tell_rate(self, step: int, rate: Told) -> None:
        """The learning rate of a step; one on the device stays there until it is read."""
        if isinstance(rate, Tensor):
            self._rates_waiting[step] = rate.detach().clone().reshape(())  # a schedule writes into it
        else:
            self._rates[step] = float(rate)

    def knows(self, step: int) -> bool:
        """Whether anything was told for this step."""
        return step in self._read or any(told == step for told, _, _ in self._waiting)

    @property
    def empty(self) -> bool:
        """Whether nothing was told at all."""
        return not self._read and not self._waiting

    def read(self) -> None:
        """Fetch what was told since the last reading: waits for the device."""
        waiting, self._waiting = self._waiting, []
        readings = Readings()
        losses, accuracies, rates = list[float](), list[float](), list[float]()
        for _, loss, accuracy in waiting:
            readings.put(loss, losses)
            readings.put(accuracy, accuracies)
        for rate in self._rates_waiting.values():
            readings.put(rate, rates)
        readings.read()
        for (step, _, _), told_loss, told_accuracy in zip(waiting, losses, accuracies, strict=True):
            self._read[step].append((told_loss, told_accuracy))
        self._rates.update(zip(self._rates_waiting, rates, strict=True))
        self._rates_waiting = {}

    def rows(self, gradient_norms: Mapping[int, float]) -> list[StepRow]:
        """A row for each step of which a loss is known: the mean of those told for it."""
        self.read()
        return [
            StepRow(
                step=step,
                epoch=0,
                learning_rate=self._rates.get(step, math.nan),
                loss=_mean([loss for loss, _ in told]),
                accuracy=_mean([accuracy for _, accuracy in told]),
                gradient_l2=gradient_norms.get(step, math.nan),
                clipped=math.nan,
            )
            for step, told in sorted(self._read.items())
        ]


def _kept(figure: Told, what: str) -> Told:
    if isinstance(figure, Tensor):
        if figure.numel() != 1 or figure.is_complex():
            shape = "complex" if figure.is_complex() else f"of shape {tuple(figure.shape)}"
            raise ConfigError(f"Monitor.log: the {what} is a tensor {shape}: give one number, say its mean")
        # A loss that another thread or an optimizer without copy writes into again must not change what was told.
        return figure.detach().clone().reshape(())
    try:
        return float(figure if not isinstance(figure, str) else None)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise ConfigError(
            f"Monitor.log: the {what} is a {type(figure).__name__}: give a number or a tensor with one value"
        ) from None


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
