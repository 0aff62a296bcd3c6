"""Tensors of a pretended CUDA device: their numbers lie on the CPU, for torch and for the package they are on a GPU.

Numbers are right, so what runs only on a GPU can be compared with the CPU. Beside the numbers are kept: that no
operation mixes devices, and where the host would wait for the device. To torch's C++ the device is `meta`, which needs
no driver and whose autograd runs everywhere; to Python it is `cuda:0`.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import vgp_bench

CUDA, META = torch.device("cuda", 0), torch.device("meta")
KEYS = torch._C.DispatchKeySet(torch._C.DispatchKey.CUDA) | torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastCUDA)
PACKAGE = Path(vgp_bench.__file__).parent
aten = torch.ops.aten

WAITS = {
    "aten::_local_scalar_dense",  # .item(), float(), bool(), if
    "aten::nonzero",
    "aten::masked_select",
    "aten::equal",
    "aten::bincount",
    "aten::_unique2",
    "aten::unique_consecutive",
    "aten::unique_dim",
    "aten::repeat_interleave",
    "aten::linalg_svd",
    "aten::_linalg_svd",
}
"""Operations after which CUDA's host knows a value: its shape or its control flow hangs on it."""

TAKES_HOST_SCALARS = ("aten::_foreach_", "aten::index_put", "aten::fill_", "aten::masked_fill", "aten::index_fill")
"""Beside what is pointwise: kernels that take a 0-d CPU tensor as an argument."""


class PretendedTensor(Tensor):
    """numbers: the tensor on the CPU."""

    numbers: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, numbers: Tensor) -> "PretendedTensor":
        layout = {"strides": numbers.stride(), "storage_offset": numbers.storage_offset()}
        made = Tensor._make_wrapper_subclass(
            cls, numbers.shape, dtype=numbers.dtype, device=META, _extra_dispatch_keys=KEYS, **layout
        )
        made.numbers = numbers.detach()
        return made

    device = property(lambda self: CUDA)
    is_cuda = property(lambda self: True)
    is_cpu = property(lambda self: False)
    is_meta = property(lambda self: False)

    def get_device(self) -> int:
        return 0

    def __reduce_ex__(self, protocol: Any) -> Any:
        return PretendedTensor, (self.numbers,)  # what is saved from a device goes back to it

    def __repr__(self) -> str:
        return f"on {CUDA}: {self.numbers}"

    @classmethod
    def __torch_dispatch__(cls, operation: OpOverload, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise AssertionError(f"{operation}: a pretended tensor outside of pretended_cuda()")


class MixedDevicesError(RuntimeError):
    """Tensors of two devices in one operation."""


class Dispatch(TorchDispatchMode):
    """Runs each operation on the numbers. waits: where the host waited, 'folder/file.py:function' of the package."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[str] = []
        self.random = torch.Generator()  # the device's own

    def wait(self) -> None:
        self.waits.append(place())

    def __torch_dispatch__(self, operation: OpOverload, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        there = [tensor for tensor in tensors if isinstance(tensor, PretendedTensor)]
        asked = kwargs.get("device")
        name = operation._schema.name
        if not there and asked != META:
            return operation(*args, **kwargs)
        if asked is not None:
            kwargs["device"] = torch.device("cpu")
        if name in ("aten::_to_copy", "aten::copy_"):
            self._copy(tensors, asked, kwargs)
        else:
            refuse_mixing(operation, tensors, there)
            if name in WAITS or (name.startswith("aten::index") and _has_a_mask(name, args)):
                self.wait()
        numbers = {id(tensor.numbers): tensor for tensor in there}
        found = self._run(
            operation, mapped(numbers_of, args), {key: mapped(numbers_of, value) for key, value in kwargs.items()}
        )
        if name == "aten::_to_copy" and asked is not None and asked != META:
            return found
        if name == "aten::copy_" and not isinstance(args[0], PretendedTensor):
            return args[0]
        return mapped(lambda value: _on_device(value, numbers), found)

    def _copy(self, tensors: list[Tensor], asked: torch.device | None, kwargs: dict[str, Any]) -> None:
        source = tensors[-1]
        to_host = asked not in (None, META) or (len(tensors) == 2 and not isinstance(tensors[0], PretendedTensor))
        if isinstance(source, PretendedTensor):
            if to_host:
                self.wait()
        elif not (getattr(source, "pinned", False) and kwargs.get("non_blocking")):
            self.wait()  # memory that is not pinned is copied while the host looks on

    def _run(self, operation: OpOverload, args: Any, kwargs: Any) -> Any:
        if torch.Tag.nondeterministic_seeded not in operation.tags or kwargs.get("generator") is not None:
            return operation(*args, **kwargs)
        state = torch.get_rng_state()
        torch.set_rng_state(self.random.get_state())
        try:
            return operation(*args, **kwargs)
        finally:
            self.random.set_state(torch.get_rng_state())
            torch.set_rng_state(state)


def refuse_mixing(operation: OpOverload, tensors: Iterable[Tensor], there: list[PretendedTensor]) -> None:
    """Raises MixedDevicesError as CUDA would; a 0-d tensor of the CPU may stand where a number may."""
    name = operation._schema.name
    scalars = torch.Tag.pointwise in operation.tags or name.startswith(TAKES_HOST_SCALARS)
    for tensor in tensors:
        if there and not isinstance(tensor, PretendedTensor) and not (scalars and tensor.ndim == 0):
            raise MixedDevicesError(
                f"{name}: a tensor of the CPU, {tuple(tensor.shape)}, beside one on {CUDA}, at {place()}"
            )


def numbers_of(value: Any) -> Any:
    return value.numbers if isinstance(value, PretendedTensor) else value


def mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """The same in nested lists and tuples. torch's tree_map does more, and takes most of the time."""
    return type(value)(mapped(function, one) for one in value) if isinstance(value, list | tuple) else function(value)


def place() -> str:
    """The innermost function of the package that runs now: 'folder/file.py:function'."""
    frame = sys._getframe()
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(PACKAGE):
            function = frame.f_code.co_qualname.split(".<locals>")[0]  # of a comprehension: where it stands
            return f"{path.relative_to(PACKAGE)}:{function.split('.')[-1]}"
        frame = frame.f_back
    return "outside of the package"


def _on_device(value: Any, numbers: dict[int, PretendedTensor]) -> Any:
    if not isinstance(value, Tensor):
        return value
    given = numbers.get(id(value))  # in place, or out=
    if given is not None:
        assert given.shape == value.shape, "a pretended tensor cannot be resized"
        return given
    return PretendedTensor(value)


def _has_a_mask(name: str, args: Any) -> bool:
    indices = [index for index in tree_leaves(args[1]) if isinstance(index, Tensor)]
    return any(index.dtype in (torch.bool, torch.uint8) for index in indices) and name != "aten::index_add"
