"""Decoded pixels kept on disk, so that the files of an image folder are decoded once and not in every run.

A cache entry is the folder cache_dir/<fingerprint>/ with pixels.npy and its checksum. Entries of changed
folders are not removed; the whole cache folder may be deleted at any time.
"""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vgp_bench.data.lock import exclusive

Pixels = NDArray[np.uint8]

_PIXELS = "pixels.npy"
_CHECKSUM = "checksum.json"

_log = logging.getLogger(__name__)


def fingerprint(files: Iterable[str], **options: object) -> str:
    """A name for what decoding these files with these options gives, from their paths, sizes and mtimes.

    files: absolute paths; archives unpacked side by side can agree in every relative name, size and time.
    """
    digest = hashlib.sha256(repr(sorted(options.items())).encode())
    for file in files:
        state = os.stat(file)
        digest.update(os.fsencode(file) + f"\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]


def cached_pixels(cache_dir: Path, name: str, decode: Callable[[], Pixels]) -> Pixels:
    """The pixels kept under `name`; if there are none, or damaged ones, those of `decode`, kept from now on.

    Where cache_dir cannot be written the pixels are decoded all the same, and a log message says so.
    """
    entry = cache_dir / name
    with exclusive(cache_dir / f".{name}.lock"):
        pixels = _read(entry)
        if pixels is None:
            pixels = decode()
            try:
                _write(entry, pixels)
            except OSError as error:
                _log.warning("decoded images are not kept: cannot write %s (%s)", entry, error.strerror)
    return pixels


def _read(entry: Path) -> Pixels | None:
    try:
        expected = json.loads((entry / _CHECKSUM).read_text())["sha256"]
        with (entry / _PIXELS).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                return None
            file.seek(0)
            pixels: Pixels = np.load(file, allow_pickle=False)
            return pixels
    except (OSError, ValueError, KeyError, TypeError):
        return None  # whatever is wrong with an entry, the cure is to build it again


def _write(entry: Path, pixels: Pixels) -> None:
    # Built beside its place and renamed: a kill leaves either no entry or a whole one.
    partial = entry.with_name(f".{entry.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        np.save(partial / _PIXELS, pixels, allow_pickle=False)
        with (partial / _PIXELS).open("rb") as file:
            checksum = hashlib.file_digest(file, "sha256").hexdigest()
        (partial / _CHECKSUM).write_text(json.dumps({"sha256": checksum}))
        shutil.rmtree(entry, ignore_errors=True)
        partial.rename(entry)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
