"""The optimizer of a run: torch's own or another, with torch's fused kernels where there are any."""

import inspect
from typing import Any

import torch
from hydra.utils import get_object
from torch import nn
from torch.optim import Optimizer

from vgp_bench.errors import ConfigError
from vgp_bench.making import make


def make_optimizer(option: dict[str, Any], model: nn.Module, device: torch.device) -> Optimizer:
    """Of the parameters that are trained. Raises ConfigError for a value that the optimizer refuses."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    more: dict[str, Any] = {}
    # Adagrad has a fused kernel on the CPU only.
    has_kernel = device.type == "cpu" or not option["_target_"].endswith(".Adagrad")
    if has_kernel and "fused" not in option and "fused" in inspect.signature(get_object(option["_target_"])).parameters:
        more["fused"] = True  # one kernel for all parameters: the quickest on CPU and CUDA
        if device.type == "cuda" and "lr" in option:
            # On the device it can change between replays of a captured graph; a Python number could not. Only the
            # fused kernels read it there: torch's other ones would make the host wait for its value.
            more["lr"] = torch.tensor(float(option["lr"]), device=device)
    try:
        optimizer: Optimizer = make(option, parameters, **more)
    except ValueError as error:  # torch checks its own ranges ("Invalid momentum value: -1")
        culprits = [f"{key}={value}" for key, value in option.items() if str(error).endswith(f" {value}")]
        where = f".{culprits[0]}" if len(culprits) == 1 else ""
        raise ConfigError(f"optimizer{where}: {error}") from error
    return optimizer
