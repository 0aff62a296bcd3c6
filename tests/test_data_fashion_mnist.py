"""Fashion-MNIST through torchvision's list of files and checksums, with small files in the genuine format."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import datasets

from tests.data_fixtures import NOWHERE, compress, served, write_idx
from vgp_bench.data import fashion_mnist
from vgp_bench.errors import DataError

# As published: the files' names and the classes in the order of the labels.
NAMES = [f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
CLASSES = "T-shirt/top Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag Ankle-boot"


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [NOWHERE])
    monkeypatch.setenv("no_proxy", "*")


def pixels(count: int) -> np.ndarray:
    return np.random.RandomState(count).randint(0, 256, (count, 28, 28)).astype(np.uint8)


def write_tiny(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """60 training and 20 test images, packed; their checksums are made the published ones."""
    resources = []
    for part, count in (("train", 60), ("t10k", 20)):
        for kind, values in (("images-idx3", pixels(count)), ("labels-idx1", np.arange(count, dtype=np.uint8) % 10)):
            file = folder / f"{part}-{kind}-ubyte"
            write_idx(file, values)
            resources.append((f"{file.name}.gz", compress(file)))
    monkeypatch.setattr(datasets.FashionMNIST, "resources", resources)


def test_packed_files_are_read_where_torchvision_keeps_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tiny(tmp_path / "FashionMNIST" / "raw", monkeypatch)
    data = fashion_mnist.load(tmp_path, validation_size=10)
    assert [len(data.train), len(data.validation), len(data.test)] == [50, 10, 20]
    assert torch.equal(data.test.images, torch.from_numpy(pixels(20)).unsqueeze(1))
    assert data.test.labels.tolist() == [i % 10 for i in range(20)]
    assert data.test.labels.dtype == torch.int64
    assert " ".join(name.replace(" ", "-") for name in data.classes) == CLASSES


def test_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tiny(tmp_path / "server", monkeypatch)
    # Unpacked files, which cannot be verified, do not keep the packed ones from being fetched.
    for name in NAMES:
        unpacked = tmp_path / "data" / "FashionMNIST" / "raw" / name.removesuffix(".gz")
        unpacked.parent.mkdir(parents=True, exist_ok=True)
        unpacked.write_bytes(b"old")
    with served(tmp_path / "server") as url:
        monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [url])
        assert len(fashion_mnist.load(tmp_path / "data", validation_size=10).train) == 50
    # The second time nothing is fetched: the server is gone.
    assert len(fashion_mnist.load(tmp_path / "data", validation_size=10).train) == 50


def test_missing_and_offline_says_what_to_put_where(tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        fashion_mnist.load(tmp_path / "nothing")
    message = str(raised.value)
    assert "\n" not in message
    raw = tmp_path / "nothing" / "FashionMNIST" / "raw"
    assert f"put {', '.join(NAMES)} into {raw}, or set data_dir=PATH or VGP_DATA_DIR" in message
    assert "Fashion-MNIST is not in" in message
    assert "Connection refused" in message


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write_tiny(tmp_path / "FashionMNIST" / "raw", monkeypatch)
    damaged = tmp_path / "FashionMNIST" / "raw" / name
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    with pytest.raises(DataError, match=rf"damaged: {damaged} .*; delete it and run again"):
        fashion_mnist.load(tmp_path, validation_size=10)
