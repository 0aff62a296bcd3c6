"""Fashion-MNIST, verified and, where it is missing, downloaded.

Source: Xiao, Rasul & Vollgraf 2017, "Fashion-MNIST: a Novel Image Dataset for Benchmarking" (title shortened).
"""

from pathlib import Path

from vgp_bench.data.downloads import ensure_files
from vgp_bench.data.idx import read_split
from vgp_bench.data.images import ImageData
from vgp_bench.data.splits import assemble


def load(
    data_dir: str | Path,
    train_size: int | None = None,
    validation_size: int = 5000,
    test_size: int | None = None,
    split_seed: int = 0,
) -> ImageData:
    """28x28 grey images, ten classes; 60,000 to train and validate on, 10,000 to test.

    The four files lie in data_dir/FashionMNIST/raw, as torchvision keeps them. The packed ones are read: theirs are
    the checksums that are published. Raises DataError if they are damaged, or missing and not to be had; ConfigError
    for sizes that are not there.
    """
    from torchvision import datasets
    from torchvision.datasets.utils import download_url

    root = Path(data_dir).expanduser()
    raw = root / "FashionMNIST" / "raw"
    published = datasets.FashionMNIST
    files = {raw / name: md5 for name, md5 in published.resources}

    def download() -> None:
        # Not published(root, download=True): that is content with unpacked files, verified or not.
        for file, md5 in files.items():
            download_url(published.mirrors[0] + file.name, str(raw), filename=file.name, md5=md5)

    ensure_files("Fashion-MNIST", root, files, files, download)
    return assemble(
        read_split(raw, "train", ".gz"),
        read_split(raw, "t10k", ".gz"),
        tuple(published.classes),
        train_size=train_size,
        validation_size=validation_size,
        test_size=test_size,
        split_seed=split_seed,
    )
