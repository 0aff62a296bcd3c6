"""MNIST: the real one, a damaged one, none at all, and the download."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import datasets

from tests.data_fixtures import NOWHERE, compress, real_data_dir, served, write_idx
from vgp_bench.data import mnist
from vgp_bench.errors import DataError

# Images of each digit in the training set, and mean and std over it: known to everyone who has used MNIST.
PER_CLASS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.MNIST, "mirrors", [NOWHERE])
    monkeypatch.setenv("no_proxy", "*")


def write_tiny(raw: Path) -> dict[str, str]:
    """60 training and 20 test images in MNIST's format; returns the md5 of each file."""
    random = np.random.RandomState(0)
    return {
        f"{part}-{kind}": write_idx(raw / f"{part}-{kind}", values)
        for part, n in (("train", 60), ("t10k", 20))
        for kind, values in (
            ("images-idx3-ubyte", random.randint(0, 256, (n, 28, 28)).astype(np.uint8)),
            ("labels-idx1-ubyte", (np.arange(n) % 10).astype(np.uint8)),
        )
    }


@pytest.mark.data
def test_the_real_mnist() -> None:
    data_dir = real_data_dir()
    if not (data_dir / "MNIST").is_dir():
        pytest.skip(f"no MNIST in {data_dir}")
    data = mnist.load(data_dir)
    assert [len(data.train), len(data.validation), len(data.test)] == [55_000, 5_000, 10_000]
    labels = torch.cat([data.train.labels, data.validation.labels])
    assert labels.bincount().tolist() == PER_CLASS
    assert data.test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert data.image_shape == (1, 28, 28)
    assert data.mean.item() == pytest.approx(0.1307, abs=0.0005)
    assert data.std.item() == pytest.approx(0.3081, abs=0.0005)


@pytest.mark.data
def test_one_flipped_bit_is_noticed(tmp_path: Path, offline: None) -> None:
    real = real_data_dir() / "MNIST" / "raw"
    if not real.is_dir():
        pytest.skip(f"no MNIST in {real}")
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in mnist.RAW_MD5:
        os.symlink(real / name, raw / name)
    damaged = raw / "t10k-images-idx3-ubyte"
    damaged.unlink()
    shutil.copyfile(real / damaged.name, damaged)
    with damaged.open("r+b") as file:
        file.seek(5_000_000)
        byte = file.read(1)[0]
        file.seek(5_000_000)
        file.write(bytes([byte ^ 1]))
    with pytest.raises(DataError, match=rf"damaged: {damaged} .*; delete it and run again"):
        mnist.load(tmp_path)


def test_missing_and_offline_says_what_to_put_where(tmp_path: Path, offline: None) -> None:
    with pytest.raises(DataError) as raised:
        mnist.load(tmp_path / "nothing")
    message = str(raised.value)
    assert "\n" not in message
    for name in mnist.RAW_MD5:
        assert name in message
    assert str(tmp_path / "nothing" / "MNIST" / "raw") in message
    assert "data_dir=" in message
    assert "VGP_DATA_DIR" in message
    assert "Connection refused" in message


def test_a_folder_that_cannot_be_written(tmp_path: Path, offline: None) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=rf"cannot write MNIST to {tmp_path / 'file'}.*data_dir=") as raised:
        mnist.load(tmp_path / "file")
    assert "\n" not in str(raised.value)


def test_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checksums = write_tiny(tmp_path / "server")
    archives = [(f"{name}.gz", compress(tmp_path / "server" / name)) for name in checksums]
    monkeypatch.setattr(mnist, "RAW_MD5", checksums)
    monkeypatch.setattr(datasets.MNIST, "resources", archives)
    monkeypatch.setenv("no_proxy", "*")
    with served(tmp_path / "server") as url:
        monkeypatch.setattr(datasets.MNIST, "mirrors", [url])
        data = mnist.load(tmp_path / "data", validation_size=10)
    assert [len(data.train), len(data.validation), len(data.test)] == [50, 10, 20]
    assert data.test.labels.tolist() == [i % 10 for i in range(20)]
    # The second time nothing is fetched: the server is gone.
    assert len(mnist.load(tmp_path / "data", validation_size=10).train) == 50


def test_a_damaged_archive_is_named(tmp_path: Path, offline: None, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = tmp_path / "MNIST" / "raw"
    checksums = write_tiny(raw)
    archives = [(f"{name}.gz", compress(raw / name)) for name in checksums]
    monkeypatch.setattr(mnist, "RAW_MD5", checksums)
    monkeypatch.setattr(datasets.MNIST, "resources", archives)
    cut_short = raw / "t10k-images-idx3-ubyte.gz"
    cut_short.write_bytes(cut_short.read_bytes()[:-100])
    with pytest.raises(DataError, match=rf"damaged: {cut_short} .*; delete it and run again"):
        mnist.load(tmp_path, validation_size=10)


def test_an_old_processed_folder_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "RAW_MD5", write_tiny(tmp_path / "MNIST" / "raw"))
    processed = tmp_path / "MNIST" / "processed"
    processed.mkdir()
    for name in ("training.pt", "test.pt"):
        torch.save((torch.zeros(3, 28, 28, dtype=torch.uint8), torch.zeros(3).long()), processed / name)
    assert len(mnist.load(tmp_path, validation_size=10).test) == 20
