"""Made-up data sets in the genuine formats, a server to download them from, and the way to the real ones."""

import gzip
import hashlib
import io
import os
import pickle
import struct
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from vgp_bench.data.images import Augmentation, ImageData, Split
from vgp_bench.data.normalization import channel_statistics

# Nothing listens on the discard port: a refused connection is how a machine without network looks, only quicker.
NOWHERE = "http://127.0.0.1:9/"


def real_data_dir() -> Path:
    """The folder with the real data sets: $VGP_DATA_DIR, else shared/data beside the checkout, else skip."""
    named = os.environ.get("VGP_DATA_DIR")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data sets: {folder} does not exist; set VGP_DATA_DIR")
    return folder


def unpacked_cifar10_jpeg() -> Path:
    """CIFAR-10 as an image folder, JPEG-encoded; unpacked once into the user's cache, or skip."""
    archive = real_data_dir() / "cifar10-jpeg.tar.gz"
    if not archive.is_file():
        pytest.skip(f"no {archive}")
    # Kept between runs of the tests: unpacking and decoding 60,000 files takes a while.
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vgp_bench"
    if not (cache / "cifar10-jpeg").is_dir():
        partial = cache / f"cifar10-jpeg.{os.getpid()}"
        partial.mkdir(parents=True)
        subprocess.run(["tar", "-xzf", archive, "-C", partial], check=True)
        partial.rename(cache / "cifar10-jpeg")
    return cache / "cifar10-jpeg"


def random_images(n: int, channels: int = 3, height: int = 8, width: int = 8, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, channels, height, width), dtype=torch.uint8, generator=generator)


def image_data(n: int, augmentation: Augmentation | None = None, classes: int = 10) -> ImageData:
    """n training, 7 validation and 5 test images; the label of training image i is i, to tell them apart."""
    train = Split(random_images(n), torch.arange(n))
    mean, std = channel_statistics(train.images)
    return ImageData(
        train=train,
        validation=Split(random_images(7, seed=1), torch.arange(7)),
        test=Split(random_images(5, seed=2), torch.arange(5)),
        classes=tuple(str(i) for i in range(classes)),
        mean=mean,
        std=std,
        augmentation=augmentation or Augmentation(),
    )


def write_image(file: Path, pixels: NDArray[np.uint8]) -> None:
    """pixels: (height, width, 3) or (height, width); the format follows from the suffix."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)


def write_idx(file: Path, values: NDArray[np.uint8]) -> str:
    """MNIST's file format: magic number with the count of dimensions, the sizes, the bytes. Returns the md5."""
    header = struct.pack(f">{1 + values.ndim}I", 0x0800 + values.ndim, *values.shape)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(header + values.tobytes())
    return md5(file.read_bytes())


def write_cifar_archive(
    file: Path, batches: dict[str, dict[str, object]], folder: str = "cifar-10-batches-py"
) -> tuple[str, dict[str, str]]:
    """cifar-10-python.tar.gz with these pickled batches. Returns its md5 and that of each batch."""
    file.parent.mkdir(parents=True, exist_ok=True)
    checksums = {}
    with tarfile.open(file, "w:gz") as archive:
        for name, content in batches.items():
            blob = pickle.dumps(content, protocol=2)
            checksums[name] = md5(blob)
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(blob)
            archive.addfile(member, io.BytesIO(blob))
    return md5(file.read_bytes()), checksums


def compress(file: Path) -> str:
    """Replace file by file.gz; returns the md5 of that."""
    packed = file.with_name(file.name + ".gz")
    packed.write_bytes(gzip.compress(file.read_bytes()))
    file.unlink()
    return md5(packed.read_bytes())


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The URL of a web server on this machine that gives out the files of folder."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
