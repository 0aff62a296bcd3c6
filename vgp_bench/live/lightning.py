"""The Monitor as a callback of Lightning: `Trainer(callbacks=[SignalFlow()])`."""

from typing import Any

from torch import Tensor

from vgp_bench.errors import ConfigError
from vgp_bench.live.monitor import Monitor

try:
    from lightning.pytorch import Callback
except ImportError:
    try:
        from pytorch_lightning import Callback  # type: ignore[assignment]  # the same under its older name
    except ImportError as error:
        raise ConfigError("SignalFlow needs Lightning: pip install lightning") from error


class SignalFlow(Callback):
    """Measures fit() and prints the report at its end; `monitor` has the rest. Options: those of Monitor.

    The loss is what training_step returns. verbose: whether to print.
    """

    def __init__(self, *, verbose: bool = True, **options: Any) -> None:
        self.options = options
        self.verbose = verbose
        self.monitor: Monitor | None = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Lightning has made the optimizers and moved the model."""
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        self.monitor = Monitor(pl_module, trainer.optimizers, **{"scaler": scaler, **self.options})
        self.monitor.start()

    def on_before_backward(self, trainer: Any, pl_module: Any, loss: Tensor) -> None:
        """The loss is there, divided by the number of batches whose gradients are added up."""
        assert self.monitor is not None
        self.monitor.forward_done()
        self.monitor.log(loss * trainer.accumulate_grad_batches)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """The last step is done."""
        assert self.monitor is not None
        self.monitor.stop()
        if self.verbose and trainer.is_global_zero:
            print(self.monitor.report())

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """The training broke off: no hook may stay."""
        if self.monitor is not None:
            self.monitor.stop()
