"""Published files: verify them, fetch what is missing, and say in one line what to do when that fails."""

import errno
import socket
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten

from vgp_bench.data.lock import exclusive
from vgp_bench.errors import DataError

# A server that stops answering must not hang a run for ever; seconds without a single byte.
_TIMEOUT_S = 30.0
_NOT_WRITABLE = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.ENOTDIR,
    errno.EEXIST,
}


def ensure_files(
    name: str,
    data_dir: Path,
    files: Mapping[Path, str],
    archives: Mapping[Path, str],
    download: Callable[[], object],
) -> None:
    """Make sure that every one of `files` is there with its md5, by `download` if need be.

    archives: the files that `download` fetches and unpacks, with their md5; named when they turn out damaged. They are
    `files` themselves where nothing is unpacked.
    Raises DataError if a file is damaged, missing and not to be had, or the folder cannot be written.
    """
    if all(_intact(path, md5) for path, md5 in files.items()):
        return
    with exclusive(data_dir / ".download.lock"):
        # Looked at again under the lock: another run may just have brought the files.
        _refuse_damaged(files)
        if all(path.is_file() for path in files):
            return
        unpacked = "" if files == archives else f", or unpacked {_placed(files)}"
        remedy = f"put {_placed(archives)}{unpacked}, or set data_dir=PATH or VGP_DATA_DIR to a folder that has them"
        try:
            with _socket_timeout(_TIMEOUT_S):
                download()
        except (OSError, RuntimeError, EOFError, tarfile.TarError, zlib.error) as error:
            if isinstance(error, OSError) and error.errno in _NOT_WRITABLE:
                raise DataError(f"cannot write {name} to {data_dir} ({error.strerror}): {remedy}") from error
            _refuse_damaged(archives)
            reason = shorten(str(error), 200, placeholder=" ...")
            raise DataError(f"{name} is not in {data_dir} and cannot be downloaded ({reason}): {remedy}") from error
        _refuse_damaged(files)
        missing = [str(path) for path in files if not path.is_file()]
        if missing:
            raise DataError(f"{name} was downloaded but {', '.join(missing)} is missing: {remedy}")


def _placed(files: Mapping[Path, str]) -> str:
    return f"{', '.join(path.name for path in files)} into {next(iter(files)).parent}"


def _intact(path: Path, md5: str) -> bool:
    from torchvision.datasets.utils import check_integrity

    return bool(check_integrity(path, md5))


def _refuse_damaged(files: Mapping[Path, str]) -> None:
    for path, md5 in files.items():
        if path.is_file() and not _intact(path, md5):
            raise DataError(f"damaged: {path} does not have the md5 {md5}; delete it and run again")


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
