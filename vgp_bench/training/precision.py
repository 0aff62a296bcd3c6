"""Mixed precision: products in 16 bits, weights and their updates in 32 (Micikevicius et al. 2018).

Training only: validation and test run in float32. In fp16 a step whose gradient overflowed is skipped and the scale
halved; its row then shows non-finite gradients and an update ratio of 0. There the host waits once in each logged step
for the scale, and in every step with an optimizer that has no fused kernel.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch
from torch import Tensor
from torch.optim import SGD, Optimizer

from vgp_bench.errors import ConfigError

PrecisionName = Literal["fp32", "bf16", "fp16"]

_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """autocast() for the forward pass, and for fp16 the loss scale that keeps small gradients from becoming 0.

    Raises ConfigError where device or processor has no such arithmetic.
    """

    def __init__(self, name: PrecisionName, device: torch.device) -> None:
        if name == "fp16" and device.type == "cpu":
            raise ConfigError("trainer.precision=fp16 needs a CUDA device; on the CPU use bf16 or fp32")
        if name == "bf16" and not _has_bf16(device):
            raise ConfigError(f"trainer.precision=bf16: this {device.type} device has no bf16 arithmetic; use fp32")
        self.name = name
        self._device = device
        # With autocast on, a scaler that is off passes everything through.
        self._scaler = torch.amp.GradScaler(device.type, enabled=name == "fp16")

    def autocast(self) -> AbstractContextManager[Any]:
        """Around forward pass and loss."""
        if self.name == "fp32":
            return nullcontext()
        return torch.autocast(self._device.type, dtype=_TYPES[self.name])

    def scaled(self, loss: Tensor) -> Tensor:
        """The loss to differentiate."""
        return self._scaler.scale(loss)

    @property
    def scale(self) -> float:
        """By how much gradients are too large until unscale(). Waits for the device where there is a scaler."""
        return float(self._scaler.get_scale())

    def unscale(self, optimizer: Optimizer) -> None:
        """Bring the gradients of the weights to their true size; once in a step."""
        self._scaler.unscale_(optimizer)

    def state(self) -> dict[str, Any]:
        """What restore() needs to go on with the same loss scale."""
        return self._scaler.state_dict()

    def restore(self, state: dict[str, Any]) -> None:
        """Go on as with state() then. Raises RuntimeError for the state of another precision."""
        if state:
            self._scaler.load_state_dict(state)

    def step(self, optimizer: Optimizer) -> None:
        """Let the optimizer step, unless fp16 overflowed; then the scale is halved instead."""
        self._scaler.step(optimizer)
        self._scaler.update()


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def begin_momentum(optimizer: Optimizer) -> None:
    """Let fused SGD begin with a momentum of 0 instead of none: the same numbers, for the first gradient counts whole.

    torch takes memory for the momentum in the first step and fills it there, but not if fp16 overflowed in that step:
    the next one would go on with whatever lies in that memory. With dampening the first gradient counts more than from
    a momentum of 0 it would: ConfigError.
    """
    for group in optimizer.param_groups:
        if isinstance(optimizer, SGD) and group["fused"] and group["momentum"]:
            if group["dampening"]:
                raise ConfigError(
                    f"optimizer.dampening={group['dampening']} with trainer.precision=fp16: not supported together; "
                    "set optimizer.dampening=0 or trainer.precision=bf16"
                )
            for parameter in group["params"]:
                optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
