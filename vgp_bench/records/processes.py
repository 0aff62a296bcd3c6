"""Whether a process lives, told safely: a number alone would also fit a process that came later."""

import functools
import os
import socket
from pathlib import Path

BOOT = Path("/proc/sys/kernel/random/boot_id")
NAMESPACE = Path("/proc/self/ns/pid")


@functools.cache
def here() -> str:
    """Names the set of processes that this one can see: host, start of the machine, container.

    Two places with the same text can see each other's processes; of others, nothing is known from here.
    """
    try:
        boot, namespace = BOOT.read_text().strip(), os.readlink(NAMESPACE)
    except OSError:  # not Linux: one machine, one set of processes
        boot = namespace = ""
    return f"{socket.gethostname()} {boot} {namespace}".strip()


def start_of(pid: int) -> str:
    """When the process of this number began, in the system's own count; "" if that cannot be told or it has ended."""
    fields = _stat(pid)
    return fields[19] if fields and fields[0] not in "ZX" else ""


def is_alive(pid: int, start: str = "") -> bool:
    """Whether a process of this number lives that began at `start`, as start_of said; "": whenever it began."""
    if fields := _stat(pid):
        return fields[0] not in "ZX" and start in ("", fields[19])  # Z, X: ended, but not yet waited for
    try:
        os.kill(pid, 0)  # signal 0 asks and does nothing
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it exists but belongs to someone else
    return True


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on, the state; see proc(5). None where there is no such file."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()  # the name, in parentheses, may hold anything
