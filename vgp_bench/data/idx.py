"""Images and labels in MNIST's file format, idx: a header with the sizes, then a byte for each value.

Source: LeCun, Cortes & Burges, "The MNIST database of handwritten digits", section "File formats".
"""

import gzip
import struct
from pathlib import Path

import torch
from torch import Tensor

from vgp_bench.data.images import Split


def read_split(folder: Path, part: str, suffix: str = "") -> Split:
    """part: train or t10k, as the files are named. suffix: .gz for packed files. The files are verified already."""
    images = read_idx(folder / f"{part}-images-idx3-ubyte{suffix}")
    labels = read_idx(folder / f"{part}-labels-idx1-ubyte{suffix}")
    return Split(images.unsqueeze(1), labels.long())


def read_idx(file: Path) -> Tensor:
    """The uint8 values of an intact file of unsigned bytes, packed if it is called .gz, in the shape it states."""
    content = file.read_bytes()
    if file.suffix == ".gz":
        content = gzip.decompress(content)
    dimensions = content[3]
    sizes = struct.unpack_from(f">{dimensions}I", content, offset=4)
    # A copy: torch wants memory that it may write to.
    return torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=4 + 4 * dimensions).view(sizes)
