"""Image files to one array of pixels."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from vgp_bench.errors import DataError

Channels = Literal[1, 3]
Pixels = NDArray[np.uint8]

_FILES_PER_TASK = 64
# Below this size threads lose more by taking turns than they win (measured: 1 KB JPEGs, two threads).
_BYTES_WORTH_A_THREAD = 16_384


def decode_image(file: str, image_size: int | None, channels: Channels) -> Pixels:
    """uint8 (channels, height, width), grey or RGB whatever the file has.

    image_size: cut to the central square and scale it to this many pixels; None keeps the size of the file.
    Raises DataError, naming the file, if it cannot be decoded or its pixels have more than 8 bits.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as image:
            if image.mode.startswith(("I", "F")):
                raise DataError(f"{file} has more than 8 bits per pixel ({image.mode}); convert it to 8 bits")
            plain = image.convert("L" if channels == 1 else "RGB")
            if image_size is not None:
                plain = ImageOps.fit(plain, (image_size, image_size), Image.Resampling.BILINEAR)
    # Pillow's decoders raise different errors for different kinds of damage.
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise DataError(f"{file} cannot be read as an image ({error}); replace or remove it") from error
    pixels = np.asarray(plain)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def decode_images(files: Sequence[str], image_size: int | None, channels: Channels) -> Pixels:
    """uint8 (n, channels, height, width), in the order of files, with a progress bar.

    Raises DataError for a file that cannot be decoded and, if image_size is None, for files of unequal size.
    """
    first = decode_image(files[0], image_size, channels)
    pixels = np.empty((len(files), *first.shape), np.uint8)

    def decode(task: range) -> int:
        for index in task:
            image = decode_image(files[index], image_size, channels)
            if image.shape != first.shape:
                raise DataError(
                    f"images differ in size: {files[0]} is {_size(first)}, {files[index]} is {_size(image)}; "
                    "set dataset.image_size=PIXELS to make them equal"
                )
            pixels[index] = image
        return len(task)

    tasks = [range(start, min(start + _FILES_PER_TASK, len(files))) for start in range(0, len(files), _FILES_PER_TASK)]
    pool = ThreadPoolExecutor(_thread_count(files))
    try:
        with tqdm(total=len(files), desc="decoding images", unit="image", disable=None) as progress:
            for done in pool.map(decode, tasks):
                progress.update(done)
    finally:
        # After an error or Ctrl-C, do not decode the rest first.
        pool.shutdown(cancel_futures=True)
    return pixels


def _thread_count(files: Sequence[str]) -> int:
    sample = files[:: max(1, len(files) // 100)]
    mean_bytes = sum(os.path.getsize(file) for file in sample) / len(sample)
    return 1 if mean_bytes < _BYTES_WORTH_A_THREAD else min(8, os.cpu_count() or 1)


def _size(image: Pixels) -> str:
    return f"{image.shape[2]}x{image.shape[1]}"
