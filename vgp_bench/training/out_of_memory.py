"""Errors in one line, and the one of them that a smaller batch mends."""

import torch

_LACK_OF_MEMORY = (
    "can't allocate memory",  # the CPU's allocator, which raises a plain RuntimeError
    "not enough memory",
    "Storage size calculation overflowed",
    "CUBLAS_STATUS_ALLOC_FAILED",  # libraries of CUDA that ask for memory of their own
    "CUDNN_STATUS_ALLOC_FAILED",
)


def out_of_memory(error: BaseException) -> str:
    """One line with what to change, if this is a lack of memory on CPU or GPU; else ''."""
    words = str(error)
    if any(sign in words for sign in _LACK_OF_MEMORY) or isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return f"out of memory; make trainer.batch_size or the architecture smaller ({first_line(error)})"
    return ""


def first_line(error: BaseException) -> str:
    """Its type and the first line of what it says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
