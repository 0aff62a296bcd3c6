"""From optimizer step to optimizer step: which steps are measured, and when a measurement begins and ends."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from vgp_bench.errors import ConfigError
from vgp_bench.live.closures import closure_of, with_closure
from vgp_bench.live.first_pass import FirstPass
from vgp_bench.live.input_gradients import InputGradients
from vgp_bench.live.loss_log import LossLog
from vgp_bench.live.measured_step import Instruments, MeasuredStep
from vgp_bench.live.pace import Pace
from vgp_bench.live.reached import Reached
from vgp_bench.records.rows import Row


class Watching:
    """start(), then the loop, then stop(). Between measured steps only the optimizers have hooks.

    The first forward pass is recorded call by call, for the stages are found from it; as its values are still there
    when it ends, step 0 is measured too, without a pass of our own.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizers: Sequence[Optimizer],
        pace: Pace,
        losses: LossLog,
        scaler: GradScaler | None,
    ) -> None:
        self.model, self.optimizers, self.pace, self.losses, self.scaler = model, optimizers, pace, losses, scaler
        self.done = 0  # optimizer steps
        self.rows: list[Row] = []
        self.gradient_norms: dict[int, float] = {}
        self.instruments: Instruments | None = None
        self.times = InputGradients(model)
        self.reached = Reached(model)
        self.on = self.was_on = False  # between start() and stop(); whether start() was ever called
        self.trace: FirstPass | None = None
        self._measured: MeasuredStep | None = None
        self._read = False  # whether the gradients of this step have been seen
        self._scale = 1.0
        self._hooks: list[RemovableHandle] = []
        self._own: list[RemovableHandle] = []  # of a measured step: time axis, beginning of a forward pass

    def start(self) -> None:
        """Register the hooks of the optimizers, and the trace of the first forward pass."""
        if self.on:
            raise ConfigError("Monitor: it is started already: leave out start() before or inside of its `with` block")
        self.on = self.was_on = True
        for optimizer in self.optimizers:
            self._hooks.append(optimizer.register_step_pre_hook(self._before_step))
        self._hooks.append(self.optimizers[-1].register_step_post_hook(self._after_step))
        self._own = self.times.register()
        self.trace = FirstPass(self.model, self.forward_done)
        self.pace.begin()

    def stop(self) -> None:
        """Take every hook away; a step that is under way is not measured."""
        self.on = False
        self._end_trace()
        self._give_up()
        for handle in self._hooks:
            handle.remove()
        self._hooks = []

    def forward_done(self) -> None:
        """The forward pass is over: nothing to do but after the first one. A call of the whole model tells it itself;
        a framework that calls parts of it does so before the backward pass."""
        if self.trace is None:
            return
        calls = self.trace.calls
        self._find_stages()
        if self.instruments is not None and self.pace.due(self.done):
            self._scale = self._current_scale()
            self._measured = MeasuredStep(self.instruments, self.done, self.times, calls)
            self._own.append(self.model.register_forward_pre_hook(self._on_forward))
        else:
            self._give_up()

    def _find_stages(self) -> None:
        trace = self.trace
        assert trace is not None
        self._end_trace()
        try:
            self.instruments = trace.instruments()
        except ConfigError:
            self.stop()
            raise

    def _end_trace(self) -> None:
        if self.trace is not None:
            self.trace.stop()
            self.trace = None

    def _begin(self) -> None:
        assert self.instruments is not None
        self._own = self.times.register()
        self._scale = self._current_scale()
        self._measured = MeasuredStep(self.instruments, self.done, self.times)
        self._own.append(self.model.register_forward_pre_hook(self._on_forward))

    def _on_forward(self, module: nn.Module, args: Any) -> None:
        if torch.is_grad_enabled() and self._current_scale() != self._scale:
            self._give_up()  # the scaler found an overflow and left the step out
            self._begin()

    def _give_up(self) -> None:
        if self._measured is not None:
            self._measured.give_up()
            self._measured = None
        for handle in self._own:
            handle.remove()
        self._own = []

    def _current_scale(self) -> float:
        return float(self.scaler.get_scale()) if self.scaler is not None else 1.0

    def _before_step(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        closure = closure_of(args, kwargs)
        if closure is None:
            self._gradients_are_there(optimizer)
            return None

        def watched() -> Any:
            loss = closure()
            self._gradients_are_there(optimizer)
            if isinstance(loss, Tensor) and loss.numel() == 1 and not self.losses.knows(self.done):
                self.losses.tell(self.done, loss)
            return loss

        return with_closure(args, kwargs, watched)

    def _gradients_are_there(self, optimizer: Optimizer) -> None:
        if self._measured is not None or self.trace is not None:
            self.reached.look(self.optimizers)
        if self._read:
            return
        self._read = True
        if self.trace is not None:  # nobody said when the forward pass was over: its values are gone
            self._find_stages()
            self._give_up()
        if self._measured is not None:
            parameters = [p for o in self.optimizers for group in o.param_groups for p in group["params"]]
            left = getattr(optimizer, "grad_scale", None)  # a fused kernel divides by the scale itself
            weight_scale = 1.0 if left is None else float(left)
            self.gradient_norms[self.done] = self._measured.after_backward(parameters, self._scale, weight_scale)

    def _after_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        self.losses.tell_rate(self.done, self.optimizers[0].param_groups[0]["lr"])
        if self._measured is not None:
            self.rows += self._measured.rows()
            self.losses.read()
            self._give_up()
            self.pace.ended(measured=True)
        else:
            self.pace.ended(measured=False)
        self.done += 1
        self._read = False
        if self.pace.due(self.done):
            self._begin()
