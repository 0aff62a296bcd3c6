"""Files that are either whole or not there, and failures of the disk told in one line."""

import contextlib
import errno
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from vgp_bench.errors import DiskFull, ResultsError

FULL = ("disk full", "disk quota exceeded")
"""How messages about a disk without room begin."""

TEMPORARY_PATTERN = ".*.tmp"
"""Names of files in the making. Only a killed process leaves one behind."""

_ADVICE = {
    errno.ENOSPC: (FULL[0], "free some space or set results_dir to another disk"),
    errno.EDQUOT: (FULL[1], "free some space or set results_dir to another disk"),
    errno.EFBIG: ("file too large for this disk or process", "raise `ulimit -f` or set results_dir to another disk"),
    errno.EACCES: ("permission denied", "set results_dir to a folder you may write to"),
    errno.EPERM: ("permission denied", "set results_dir to a folder you may write to"),
    errno.EROFS: ("read-only disk", "set results_dir to a folder you may write to"),
    errno.ENOTDIR: ("a file is in the way", "set results_dir to a folder"),
    errno.EEXIST: ("a file is in the way", "set results_dir to a folder"),
}


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns an OSError while `path` is written into a ResultsError of one line."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            reason, advice = _ADVICE[error.errno]
            raise DiskFull(f"{reason}: cannot write {path}; {advice}") from error
        reason, advice = _ADVICE.get(error.errno or 0, (error.strerror or str(error), "check results_dir"))
        raise ResultsError(f"{reason}: cannot write {path}; {advice}") from error


def write_atomically(path: Path, content: bytes, durable: bool = False) -> None:
    """Puts `content` at `path` in one step: a reader or a crash sees the old file or the new one, never half.

    durable: also wait until the disk has it, so that it survives a power cut (slow: use it for rare writes).
    Raises ResultsError if it cannot be written; the old file is then untouched.
    """
    # A name of its own keeps two processes that write the same run from mixing their halves; a process id alone would
    # not do: on two machines, or in two containers, it can be the same.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    with writing(path):
        try:
            with temporary.open("wb") as file:
                file.write(content)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        if durable:
            _sync_folder(path.parent)


def check_writable(path: Path) -> None:
    """Raises ResultsError if a folder `path` could not be created or written to. Leaves no trace."""
    folder = path
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    # Only a real write tells: permissions say nothing about root, read-only disks and full ones.
    with writing(path), tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"?")


def _sync_folder(folder: Path) -> None:
    # Without this a power cut can lose the rename though it kept the content.
    with contextlib.suppress(OSError):  # not every file system lets a folder be synced
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
