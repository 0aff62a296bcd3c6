"""`with vgp_bench.Monitor(model, optimizer) as monitor:` around a training loop of one's own."""

import math
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim import Optimizer

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Diagnosis
from vgp_bench.diagnosis.judge import diagnose
from vgp_bench.diagnosis.sentences import line
from vgp_bench.errors import ConfigError
from vgp_bench.live.loss_log import LossLog
from vgp_bench.live.memory_tables import columns_of, frames_of
from vgp_bench.live.pace import Pace
from vgp_bench.live.refusals import check_options, plain_model, plain_optimizers, refuse_strangers
from vgp_bench.live.remarks import missing, remarks
from vgp_bench.live.text_report import text_report
from vgp_bench.live.watching import Watching

if TYPE_CHECKING:
    import pandas as pd


class Monitor:
    """Measures the signal flow of the training that happens inside its `with` block, and judges it.

    model: any nn.Module, also inside DistributedDataParallel; stages are found from its first forward pass, see
    finding_stages. optimizer: or a list of those that all step once an iteration, the last of them last.
    dense_steps, every, overhead: the first steps are measured, then one in so many, less often where it would take
    more than this share of the loop's time; see Pace.
    scaler: the GradScaler of mixed precision, so that gradients are seen at their true size.
    chance_loss: of an answer that ignores the input, ln(classes) for classes of equal size; NaN if unknown.

    Of the loss the Monitor knows what log() tells it, or what a closure given to optimizer.step() returns. Without it
    symptoms are seen, but not whether they do harm: the verdict is then 'undecided'.

    Measuring changes nothing: no random number is drawn, no tensor changed. A step that is not measured has no hook but
    the optimizer's. Weight gradients are seen as the optimizer gets them, that is after clipping.
    Raises ConfigError for a network that cannot be watched.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer | Sequence[Optimizer],
        *,
        dense_steps: int = 4,
        every: int | None = 50,
        overhead: float | None = 0.02,
        scaler: GradScaler | None = None,
        chance_loss: float = math.nan,
    ) -> None:
        check_options(scaler, chance_loss)
        self.chance_loss = chance_loss
        self._losses = LossLog()
        pace = Pace(dense_steps, every, overhead)
        watched, optimizers = plain_model(model), plain_optimizers(optimizer)
        refuse_strangers(watched, optimizers)
        self._watching = Watching(watched, optimizers, pace, self._losses, scaler)
        self._state = "running"

    def __enter__(self) -> "Monitor":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if error is not None:
            self._state = "failed"

    def start(self) -> None:
        """What entering the `with` block does, for code that has no block. Raises ConfigError if it is on already."""
        self._watching.start()

    def stop(self) -> None:
        """What leaving it does: every hook is gone."""
        self._watching.stop()
        self._state = "completed"

    def log(self, loss: Tensor | float, accuracy: Tensor | float = math.nan) -> None:
        """Tell the loss of a step, and the share of right answers if there is one; of micro-batches, one after another,
        the mean counts. Best between the forward pass and optimizer.step(). Nothing waits for the device.

        Raises ConfigError for what is no single number, and outside of the `with` block.
        """
        if not self._watching.on:
            raise ConfigError(
                "Monitor.log outside of its `with` block: put the loop into `with vgp_bench.Monitor(model, optimizer) "
                "as monitor:`, or call start() before it and stop() after it"
            )
        self._losses.tell(self._watching.done, loss, accuracy)

    def forward_done(self) -> None:
        """Say that the first forward pass is over, before the backward pass. Only a loop that calls parts of the model
        and never the model itself needs it, to have step 0 measured."""
        self._watching.forward_done()

    def case(self) -> Case:
        """What was recorded so far, as the diagnosis reads it."""
        steps = self._losses.rows(self._watching.gradient_norms)
        diverged = bool(steps) and not math.isfinite(steps[-1].loss)
        state = "diverged" if diverged else self._state
        return Case(columns_of([*steps, *self._watching.rows]), state, self.chance_loss)

    @property
    def tables(self) -> "dict[str, pd.DataFrame]":
        """The same as pandas frames: steps, layers, probes, times; docs/columns.md defines every column."""
        return frames_of(self.case().tables)

    def diagnosis(self) -> Diagnosis:
        """The verdict with symptom, consequence and remedies."""
        return diagnose(self.case())

    def remarks(self) -> list[str]:
        """What to know beside the verdict, a sentence each: what was forgotten in the loop, looks that were put off,
        layers that no gradient reaches or that never move."""
        return remarks(self._watching, self.case())

    def verdict(self) -> str:
        """The verdict in one line; where something was forgotten in the loop, that."""
        diagnosis, forgotten = self.diagnosis(), missing(self._watching)
        return f"{diagnosis.label}: {forgotten}" if forgotten and diagnosis.verdict == "undecided" else line(diagnosis)

    def report(self) -> str:
        """The signal flow as a table, and the verdict with its evidence, in lines of at most 80 characters."""
        case = self.case()
        return text_report(case, diagnose(case), remarks(self._watching, case))
