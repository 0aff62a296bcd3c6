"""Data that a benchmark needs and does not make: asked for before anything is timed."""

from pathlib import Path

from vgp_bench.data.mnist import RAW_MD5
from vgp_bench.errors import DataError


def check_mnist(data_dir: Path) -> None:
    """Raises DataError unless MNIST lies there: a download may take minutes to fail."""
    raw = data_dir.expanduser() / "MNIST" / "raw"
    if not all((raw / name).exists() or (raw / f"{name}.gz").exists() for name in RAW_MD5):
        raise DataError(
            f"no MNIST in {raw}: give the folder that holds MNIST/raw with --data-dir, or download it with "
            f"`vgp-bench run dataset=mnist data_dir={data_dir} trainer.max_steps=1`"
        )


def check_cifar(folder: Path) -> None:
    """Raises DataError unless it is CIFAR-10 as an image folder."""
    for part in ("train", "test"):
        if not (folder / part).is_dir():
            raise DataError(f"--cifar {folder}: it has no folder {part}; give the one that holds train and test")
