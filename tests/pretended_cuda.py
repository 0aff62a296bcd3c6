"""`with pretended_cuda() as device:` torch then has a CUDA device, on any machine. See pretended_tensor."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim import optimizer
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import _disable_current_modes

from tests.pretended_tensor import CUDA, META, Dispatch, PretendedTensor, refuse_mixing
from vgp_bench.building import load_data

HALF = {F.linear, F.conv1d, F.conv2d, F.scaled_dot_product_attention, torch.matmul, Tensor.matmul, Tensor.__matmul__}
WHOLE = {F.layer_norm, F.group_norm, F.rms_norm, F.softmax, F.log_softmax, F.cross_entropy, F.mse_loss, F.softplus}
"""What is used here of the operations that torch.autocast runs in 16 bits, and in 32. torch does it in C++, but
not on a device without a driver."""
RECURRENT = (torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu)


class Words(TorchFunctionMode):
    """What Python says of CUDA, in words that need no driver."""

    def __init__(self, dispatch: Dispatch) -> None:
        super().__init__()
        self.dispatch = dispatch

    def __torch_function__(self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if function in (torch.tensor, torch.as_tensor) and is_cuda(kwargs.get("device")):
            return function(*args, **{**kwargs, "device": "cpu"}).to(META)
        if function is Tensor.pin_memory:
            args[0].pinned = True
            return args[0]
        if function is Tensor.tolist and isinstance(args[0], PretendedTensor):
            self.dispatch.wait()
            return args[0].numbers.tolist()
        if function is Tensor.data.__get__ and isinstance(args[0], PretendedTensor):
            return args[0].detach()
        if function in RECURRENT and isinstance(args[0], PretendedTensor):
            return fused(function, *args)
        if function is torch.device:
            return function(*args, **kwargs)
        if function in HALF | WHOLE and torch.is_autocast_enabled("cuda"):
            kind = torch.get_autocast_dtype("cuda") if function in HALF else torch.float32
            args = [in_precision(kind, value) for value in args]
            kwargs = {key: in_precision(kind, value) for key, value in kwargs.items()}
            with torch.autocast("cuda", enabled=False):
                return function(*args, **kwargs)
        there = (META if is_cuda(value) else value for value in args)
        return function(*there, **{key: META if is_cuda(value) else value for key, value in kwargs.items()})


def in_precision(kind: torch.dtype, value: Any) -> Any:
    casts = isinstance(value, PretendedTensor) and value.is_floating_point() and value.dtype != torch.float64
    return value.to(kind) if casts else value


def is_cuda(value: Any) -> bool:
    return isinstance(value, torch.device | str) and str(value).split(":")[0] == "cuda"


def fused(function: Callable[..., Any], inputs: Tensor, start: Any, weights: list[Tensor], *rest: Any) -> tuple[Tensor]:
    """A fused recurrent kernel: one operation on the device, forward and backward."""
    starts = start if isinstance(start, tuple) else (start,)
    refuse_mixing(torch.ops.aten._cudnn_rnn.default, [inputs, *starts, *weights], [inputs])
    kind = torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else inputs.dtype

    def on_numbers(given: Tensor, *others: Tensor) -> Tensor:
        states, matrices = others[: len(starts)], list(others[len(starts) :])
        return function(given, states if isinstance(start, tuple) else states[0], matrices, *rest)[0]

    return (_Fused.apply(on_numbers, kind, inputs, *starts, *weights),)


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, function: Callable[..., Tensor], kind: torch.dtype, *tensors: Tensor) -> Tensor:
        with _disable_current_modes(), torch.enable_grad():
            # 16 bits are rounded to and then computed with in 32: few CPUs have such a kernel.
            rounded = [tensor.numbers.to(kind) for tensor in tensors]
            context.given = [(x if x.itemsize > 2 else x.float()).clone().requires_grad_() for x in rounded]
            context.kinds = [tensor.dtype for tensor in tensors]
            context.out = function(*context.given)
            return PretendedTensor(context.out.to(kind))

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Any, ...]:
        with _disable_current_modes():
            found = torch.autograd.grad(context.out, context.given, gradient.numbers.to(context.out.dtype))
            given = (value.to(kind) for value, kind in zip(found, context.kinds, strict=True))
            return None, None, *(PretendedTensor(value) for value in given)


class Generator(torch.Generator):
    """torch.Generator(device); what it draws comes from the CPU."""

    def __new__(cls, device: Any = "cpu") -> "Generator":
        made = super().__new__(cls)
        made.pretended = is_cuda(torch.device(device))
        return made

    @property
    def device(self) -> torch.device:
        return CUDA if self.pretended else torch.device("cpu")


@contextmanager
def pretended_cuda() -> Iterator[Dispatch]:
    """torch with a CUDA device; what it gives knows where the host waited for that (waits)."""
    dispatch = Dispatch()
    device = {
        "is_available": lambda: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "init": lambda: None,
        "is_initialized": lambda: True,
        "is_current_stream_capturing": lambda: False,
        "is_bf16_supported": lambda including_emulation=True: True,
        "get_device_name": lambda device=None: "a pretended GPU",
        "synchronize": lambda device=None: dispatch.wait(),
        "manual_seed_all": lambda seed: dispatch.random.manual_seed(seed),
        "manual_seed": lambda seed: dispatch.random.manual_seed(seed),
        "get_rng_state": lambda device=None: dispatch.random.get_state(),
        "set_rng_state": lambda state, device=None: dispatch.random.set_state(state),
        "reset_peak_memory_stats": lambda device=None: None,
        "max_memory_allocated": lambda device=None: 2**20,
    }
    accelerator = {
        "current_accelerator": lambda check_available=False: CUDA,
        "current_stream": lambda device=None: SimpleNamespace(is_capturing=lambda: False),
    }
    swap = torch.__future__.get_swap_module_params_on_conversion()
    with ExitStack() as stack:
        stack.enter_context(patch.multiple(torch.cuda, **device))
        stack.enter_context(patch.multiple(torch.accelerator, create=True, **accelerator))
        stack.enter_context(patch.object(torch, "Generator", Generator))
        kinds = [*optimizer._foreach_supported_types, PretendedTensor]
        stack.enter_context(patch.object(optimizer, "_foreach_supported_types", kinds))
        stack.enter_context(torch.backends.cudnn.flags(enabled=False))  # torch would call it for what is_cuda
        torch.__future__.set_swap_module_params_on_conversion(True)  # else parameters would be others after .to()
        stack.callback(torch.__future__.set_swap_module_params_on_conversion, swap)
        stack.enter_context(torch.serialization.safe_globals([PretendedTensor]))
        load_data.cache_clear()
        stack.callback(load_data.cache_clear)  # a data set on this device is of no use to others
        stack.enter_context(Words(dispatch))
        stack.enter_context(dispatch)
        yield dispatch
