"""On what a run ran: enough to know whether two runs can be compared, and to run one again."""

import functools
import importlib.metadata
import os
import platform
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PACKAGES = ("vgp-bench", "torch", "torchvision", "hydra-core", "numpy", "pandas")


def describe_environment(device: str, command: Sequence[str], threads: int | None = None) -> dict[str, Any]:
    """Plain values for environment.json.

    device: what the run computes on, in the words of the caller; command: the command line, word by word; threads: CPU
    threads among which torch splits an operation.
    """
    return {
        "device": device,
        "threads": threads,
        "command": list(command),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "cpu": _cpu_model(),
        "cpu_count": os.cpu_count(),
        "versions": {name: _version(name) for name in PACKAGES},
        "code": dict(checkout(Path(__file__).parents[2])),
    }


@functools.cache  # the code that runs was loaded once: a commit made meanwhile is not what runs
def checkout(root: Path) -> dict[str, Any]:
    """Commit of the git checkout whose top folder is `root`, and whether tracked files differ from it.

    {"commit": None, "dirty": None} if `root` is no checkout of its own, as for an installed package, even
    where a folder further up is one.
    """
    unknown = {"commit": None, "dirty": None}
    if not (root / ".git").exists():  # a folder, or a file in a linked worktree
        return unknown
    commit = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    if commit is None or changes is None:
        return unknown
    return {"commit": commit, "dirty": changes != ""}


def _git(root: Path, *words: str) -> str | None:
    # GIT_* variables, as set inside a hook, would point to another repository.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words],
            capture_output=True,
            text=True,
            timeout=20,
            env=clean,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()
