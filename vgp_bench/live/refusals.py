"""Networks in which hooks do not fire, or see a part only: refused before the first step, in one line."""

import os
import sys
from collections.abc import Sequence

import torch
from torch import nn
from torch.amp import GradScaler
from torch.optim import Optimizer

from vgp_bench.errors import ConfigError

_COMPILED = "Monitor: a compiled model runs without its modules' hooks: train some steps without torch.compile"


def plain_model(model: nn.Module) -> nn.Module:
    """The module to watch: the model, or what DistributedDataParallel wraps. Raises ConfigError if none can be."""
    if not isinstance(model, nn.Module):
        raise ConfigError(f"Monitor(model, optimizer): the model is a {type(model).__name__}, not an nn.Module")
    if isinstance(model, nn.parallel.DistributedDataParallel):
        model = model.module
    for module in model.modules():
        _refuse(module)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ConfigError("Monitor: no parameter of the model requires a gradient: there is nothing to train")
    return model


def _refuse(module: nn.Module) -> None:
    name = type(module).__name__
    if isinstance(module, nn.DataParallel):
        raise ConfigError("Monitor: nn.DataParallel runs copies that cannot be watched: use DistributedDataParallel")
    if isinstance(module, torch.jit.ScriptModule):
        raise ConfigError("Monitor: a torch.jit module hides its layers: give the model before torch.jit")
    if name == "OptimizedModule" or module._compiled_call_impl is not None:
        raise ConfigError(_COMPILED)
    if getattr(module, "sparse", False) and isinstance(module, nn.Embedding | nn.EmbeddingBag):
        raise ConfigError(f"Monitor: nn.{name}(sparse=True) has gradients that cannot be measured: set sparse=False")
    if name == "FullyShardedDataParallel" or any(type(p).__name__ == "DTensor" for p in module.parameters(False)):
        raise ConfigError("Monitor: sharded weights (FSDP) are not all here: use DistributedDataParallel or one device")


def refuse_strangers(model: nn.Module, optimizers: Sequence[Optimizer]) -> None:
    """Raises ConfigError if these optimizers would not move a single weight of the model."""
    held = {id(p) for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]}
    if not any(id(parameter) in held for parameter in model.parameters()):
        raise ConfigError("Monitor: the optimizer holds no parameter of this model: make it from model.parameters()")


def check_options(scaler: object, chance_loss: object) -> None:
    """Raises ConfigError for what is no scaler of mixed precision, or no loss."""
    if scaler is not None and not isinstance(scaler, GradScaler):
        raise ConfigError(f"Monitor(scaler=...): a {type(scaler).__name__}, not a torch.amp.GradScaler")
    if not isinstance(chance_loss, int | float):
        raise ConfigError(f"Monitor(chance_loss={chance_loss!r}): must be a number, say math.log(classes)")


def refuse_if_compiled() -> None:
    """Raises ConfigError if the caller was called by a compiled model: then the model given was compiled later."""
    frame = sys._getframe()
    while (frame := frame.f_back) is not None:  # type: ignore[assignment]
        if frame.f_code.co_filename.endswith(os.path.join("_dynamo", "eval_frame.py")):
            raise ConfigError(_COMPILED)


def plain_optimizers(optimizers: object) -> list[Optimizer]:
    """The optimizers inside whatever a framework wraps them in. Raises ConfigError for anything else."""
    found = list(optimizers) if isinstance(optimizers, list | tuple) else [optimizers]
    plain = [_unwrapped(optimizer) for optimizer in found]
    wrong = [type(optimizer).__name__ for optimizer in plain if not isinstance(optimizer, Optimizer)]
    if wrong or not plain:
        what = wrong[0] if wrong else "empty list"
        raise ConfigError(f"Monitor(model, optimizer): a torch.optim.Optimizer or a list of them, not a {what}")
    return plain  # type: ignore[return-value]


def _unwrapped(optimizer: object) -> object:
    inner = getattr(optimizer, "optimizer", None)  # accelerate and Lightning wrap it in one that is none
    return _unwrapped(inner) if isinstance(inner, Optimizer) else optimizer
