"""MNIST, verified and, where it is missing, downloaded.

Source: LeCun, Bottou, Bengio & Haffner 1998, "Gradient-Based Learning Applied to Document Recognition".
"""

from pathlib import Path

from vgp_bench.data.downloads import ensure_files
from vgp_bench.data.idx import read_split
from vgp_bench.data.images import ImageData
from vgp_bench.data.splits import assemble

# torchvision knows the checksums of the compressed files only; these are those of the unpacked ones.
RAW_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def load(
    data_dir: str | Path,
    train_size: int | None = None,
    validation_size: int = 5000,
    test_size: int | None = None,
    split_seed: int = 0,
) -> ImageData:
    """28x28 grey images, ten classes; 60,000 to train and validate on, 10,000 to test.

    The four files lie in data_dir/MNIST/raw. Raises DataError if they are damaged, or missing and not to be
    had; ConfigError for sizes that are not there.
    """
    from torchvision import datasets

    root = Path(data_dir).expanduser()
    raw = root / "MNIST" / "raw"
    ensure_files(
        "MNIST",
        root,
        {raw / name: md5 for name, md5 in RAW_MD5.items()},
        {raw / name: md5 for name, md5 in datasets.MNIST.resources},
        lambda: datasets.MNIST(root, download=True),
    )
    # Not datasets.MNIST(...): that reads an old processed/ folder, if any, instead of the verified files.
    return assemble(
        read_split(raw, "train"),
        read_split(raw, "t10k"),
        tuple(str(digit) for digit in range(10)),
        train_size=train_size,
        validation_size=validation_size,
        test_size=test_size,
        split_seed=split_seed,
    )
