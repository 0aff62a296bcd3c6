"""Where runs lie below a folder, and whether their small files changed: names and times only, no file is opened."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SMALL_FILES = ("status.json", "config.yaml", "choices.json", "environment.json", "summary.json")

Signature = list[int]
"""Of each of SMALL_FILES: time of its last change (ns), time of its inode's last change (ns), bytes, inode; -1 where
there is no such file. The inode's time cannot be set back: a copy that keeps times and sizes still has another one."""

_ABSENT = (-1, -1, -1, -1)


class RunFolder(NamedTuple):
    """A folder with a status.json. name: its path below the folder that was searched, "." for that folder itself."""

    name: str
    signature: Signature

    def below(self, top: Path) -> Path:
        """Its path, given that of the folder that was searched."""
        return top / self.name

    def newest(self) -> int:
        """The latest time in the signature, in ns since 1970."""
        return max(max(self.signature[0::4]), max(self.signature[1::4]))


def run_folders(top: Path) -> Iterator[RunFolder]:
    """Every run at or below `top`, in no order. Runs are not nested; links to folders are not followed.

    A folder that cannot be listed has no runs.
    """
    if _is_run(str(top)):
        yield RunFolder(".", _signature(str(top)))
        return
    prefix = len(os.path.join(top, ""))
    waiting = [str(top)]
    while waiting:
        for path in _subfolders(waiting.pop()):
            if _is_run(path):
                yield RunFolder(path[prefix:], _signature(path))
            else:
                waiting.append(path)


def _is_run(folder: str) -> bool:
    status = f"{folder}/status.json"
    return os.path.lexists(status) and not os.path.isdir(status)  # readable or not


def _subfolders(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _signature(folder: str) -> Signature:
    signature: Signature = []
    for name in SMALL_FILES:
        try:
            s = os.stat(f"{folder}/{name}")
        except OSError:
            signature += _ABSENT
        else:
            signature += (s.st_mtime_ns, s.st_ctime_ns, s.st_size, s.st_ino)
    return signature
