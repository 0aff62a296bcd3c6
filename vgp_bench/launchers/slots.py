"""How cores and GPUs of this machine are divided among runs: a slot is the environment of one run at a time."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping

from vgp_bench.config import ComposedRun

Slot = Mapping[str, str]


def slots(runs: Iterable[ComposedRun], threads: int | None, runs_per_gpu: int) -> list[Slot]:
    """One environment for each run that may run at a time: its CPU threads, and its GPU where runs want one.

    `jobs` of the runs limits their number. The GPUs come by turns, so that few runs are spread over all of them.
    """
    runs = list(runs)
    jobs: int | str = runs[0].config["jobs"]
    cores = usable_cores()
    gpus = visible_gpus() if any(run.config["device"] in ("auto", "cuda") for run in runs) else []
    if gpus:
        places = gpus * runs_per_gpu if jobs == "auto" else (gpus * runs_per_gpu)[: int(jobs)]
        share = threads or max(1, cores // len(places))
        return [{"OMP_NUM_THREADS": str(share), "CUDA_VISIBLE_DEVICES": gpu} for gpu in places]
    if jobs == "auto":
        # Runs of this size gain more from a neighbour than from a second thread.
        share = threads or int(os.environ.get("OMP_NUM_THREADS", "") or 1)
        return [{"OMP_NUM_THREADS": str(share)}] * max(1, cores // share)
    return [{"OMP_NUM_THREADS": str(threads or max(1, cores // int(jobs)))}] * int(jobs)


def usable_cores() -> int:
    """Cores this process may run on; all of the machine where the system does not say."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS


def visible_gpus() -> list[str]:
    """The GPUs this process may use, as CUDA_VISIBLE_DEVICES names them. Without torch: it takes seconds to import."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        names = [name.strip() for name in allowed.split(",")]
        # CUDA ignores what follows the first name that is none.
        bad = next((place for place, name in enumerate(names) if name in ("", "-1")), len(names))
        return names[:bad]
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        listed = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []  # a driver without a device
    return [str(number) for number in range(sum(line.startswith("GPU ") for line in listed.splitlines()))]
