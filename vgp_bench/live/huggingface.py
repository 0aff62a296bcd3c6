"""The Monitor as a callback of Hugging Face's Trainer: `Trainer(..., callbacks=[SignalFlow()])`."""

from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from vgp_bench.errors import ConfigError
from vgp_bench.live.monitor import Monitor

try:
    from transformers import TrainerCallback
except ImportError as error:
    raise ConfigError("SignalFlow needs Hugging Face's transformers: pip install transformers accelerate") from error


class SignalFlow(TrainerCallback):
    """Measures train() and prints the report at its end; `monitor` has the rest. Options: those of Monitor.

    The loss is that in the model's result, its `loss`, as models give it that are called with labels. Of fp16 training
    say scaler=trainer.accelerator.scaler. verbose: whether to print.
    """

    def __init__(self, *, verbose: bool = True, **options: Any) -> None:
        self.options = options
        self.verbose = verbose
        self.monitor: Monitor | None = None
        self._handle: RemovableHandle | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **others: Any) -> None:
        """The Trainer has made the optimizer and wrapped the model."""
        self.monitor = Monitor(model, others["optimizer"], **self.options)
        self.monitor.start()
        self._handle = model.register_forward_hook(self._on_result)

    def _on_result(self, model: nn.Module, args: Any, result: Any) -> None:
        loss = result.get("loss") if hasattr(result, "get") else getattr(result, "loss", None)
        if torch.is_grad_enabled() and loss is not None and self.monitor is not None:
            self.monitor.log(loss)

    def on_train_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """The last step is done."""
        assert self.monitor is not None
        assert self._handle is not None
        self._handle.remove()
        self.monitor.stop()
        if self.verbose and state.is_world_process_zero:
            print(self.monitor.report())
