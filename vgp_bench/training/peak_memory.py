"""The most memory a run held at one time."""

import resource
import sys
from pathlib import Path

import torch

CLEAR_REFS = Path("/proc/self/clear_refs")
STATUS = Path("/proc/self/status")


class PeakMemory:
    """Counts from its making. CUDA: what torch's allocator handed out. CPU: resident memory of the process; on Linux
    its high-water mark is reset first, elsewhere it includes earlier runs of the same process."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        if device.type == "cuda":
            torch.cuda.init()  # a device given by number is unknown before
            torch.cuda.reset_peak_memory_stats(device)
        elif CLEAR_REFS.exists():
            try:
                CLEAR_REFS.write_text("5")  # 5 resets VmHWM, see proc(5)
            except OSError:
                pass  # not permitted in some containers: then the mark covers the whole process

    def read(self) -> float:
        """Bytes."""
        if self.device.type == "cuda":
            return float(torch.cuda.max_memory_allocated(self.device))
        if STATUS.exists():
            for line in STATUS.read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return float(line.split()[1]) * 1024
        unit = 1 if sys.platform == "darwin" else 1024  # getrusage counts bytes on macOS, kilobytes elsewhere
        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
