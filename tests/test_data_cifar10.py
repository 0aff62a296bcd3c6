"""CIFAR-10 through torchvision, with a small archive in the genuine format and with its own checksums."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import datasets

from tests.data_fixtures import NOWHERE, served, write_cifar_archive
from vgp_bench.data import cifar10
from vgp_bench.errors import DataError

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
PER_BATCH = 20
ARCHIVE = "cifar-10-python.tar.gz"


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The archive in tmp_path/server, its checksums known to torchvision, and no network."""
    batches: dict[str, dict[str, object]] = {
        name: {
            "data": pixels(name).reshape(PER_BATCH, 3 * 32 * 32),  # the format: all red, all green, all blue
            "labels": [i % 10 for i in range(PER_BATCH)],
        }
        for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    }
    batches["batches.meta"] = {"label_names": CLASSES, "num_cases_per_batch": PER_BATCH}
    archive = tmp_path / "server" / ARCHIVE
    archive_md5, checksums = write_cifar_archive(archive, batches)
    cls = datasets.CIFAR10
    monkeypatch.setattr(cls, "tgz_md5", archive_md5)
    monkeypatch.setattr(cls, "train_list", [[name, checksums[name]] for name, _ in cls.train_list])
    monkeypatch.setattr(cls, "test_list", [["test_batch", checksums["test_batch"]]])
    monkeypatch.setattr(cls, "meta", {**cls.meta, "md5": checksums["batches.meta"]})
    monkeypatch.setattr(cls, "url", NOWHERE + ARCHIVE)
    monkeypatch.setenv("no_proxy", "*")
    return archive


def pixels(batch: str) -> np.ndarray:
    random = np.random.RandomState(len(batch) + ord(batch[-1]))
    return random.randint(0, 256, (PER_BATCH, 3, 32, 32)).astype(np.uint8)


def put_archive(published: Path, data_dir: Path) -> Path:
    data_dir.mkdir(exist_ok=True)
    return published.rename(data_dir / ARCHIVE)


def test_an_archive_that_lies_there_is_unpacked_and_read(tmp_path: Path, published: Path) -> None:
    put_archive(published, tmp_path / "data")
    data = cifar10.load(tmp_path / "data", validation_size=10)
    assert [len(data.train), len(data.validation), len(data.test)] == [90, 10, 20]
    assert data.classes == tuple(CLASSES)
    assert data.image_shape == (3, 32, 32)
    assert torch.equal(data.test.images, torch.from_numpy(pixels("test_batch")))
    assert data.test.labels.tolist() == [i % 10 for i in range(20)]
    assert data.train.labels.dtype == torch.int64
    everything = {image.numpy().tobytes() for split in (data.train, data.validation) for image in split.images}
    assert everything == {image.tobytes() for i in range(1, 6) for image in pixels(f"data_batch_{i}")}


def test_augmentation_is_taken_from_the_config(tmp_path: Path, published: Path) -> None:
    put_archive(published, tmp_path / "data")
    usual = cifar10.load(tmp_path / "data", validation_size=10).augmentation
    assert (usual.crop_padding, usual.flip) == (4, True)
    none = cifar10.load(tmp_path / "data", validation_size=10, crop_padding=0, flip=False).augmentation
    assert (none.crop_padding, none.flip) == (0, False)


def test_download(tmp_path: Path, published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(published.parent) as url:
        monkeypatch.setattr(datasets.CIFAR10, "url", url + ARCHIVE)
        assert len(cifar10.load(tmp_path / "data", validation_size=10).train) == 90
    assert len(cifar10.load(tmp_path / "data", validation_size=10).train) == 90


def test_a_damaged_archive_is_named(tmp_path: Path, published: Path) -> None:
    archive = put_archive(published, tmp_path / "data")
    archive.write_bytes(archive.read_bytes()[:-1000])
    with pytest.raises(DataError, match=rf"damaged: {archive} .*; delete it and run again"):
        cifar10.load(tmp_path / "data", validation_size=10)


def test_a_damaged_download_is_named(tmp_path: Path, published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published.write_bytes(b"<html>Sign in to this network</html>")
    with served(published.parent) as url:
        monkeypatch.setattr(datasets.CIFAR10, "url", url + ARCHIVE)
        with pytest.raises(DataError, match=f"damaged: .*{ARCHIVE}"):
            cifar10.load(tmp_path / "data", validation_size=10)


@pytest.mark.parametrize("name", ["data_batch_3", "test_batch", "batches.meta"])
def test_a_damaged_batch_file_is_named_and_never_unpickled(tmp_path: Path, published: Path, name: str) -> None:
    put_archive(published, tmp_path / "data")
    cifar10.load(tmp_path / "data", validation_size=10)
    damaged = tmp_path / "data" / "cifar-10-batches-py" / name
    trace = tmp_path / "unpickled"
    damaged.write_bytes(f"cos\nsystem\n(S'touch {trace}'\ntR.".encode())
    with pytest.raises(DataError, match=rf"damaged: {damaged} .*; delete it and run again"):
        cifar10.load(tmp_path / "data", validation_size=10)
    assert not trace.exists()


@pytest.mark.parametrize("name", ["data_batch_3", "batches.meta"])
def test_a_deleted_batch_file_comes_back_from_the_archive(tmp_path: Path, published: Path, name: str) -> None:
    put_archive(published, tmp_path / "data")
    cifar10.load(tmp_path / "data", validation_size=10)
    (tmp_path / "data" / "cifar-10-batches-py" / name).unlink()
    assert len(cifar10.load(tmp_path / "data", validation_size=10).train) == 90


def test_missing_and_offline_says_what_to_put_where(tmp_path: Path, published: Path) -> None:
    with pytest.raises(DataError) as raised:
        cifar10.load(tmp_path / "nothing")
    message = str(raised.value)
    assert "\n" not in message
    for part in (
        "data_batch_1",
        "test_batch",
        "batches.meta",
        "cifar-10-batches-py",
        ARCHIVE,
        "data_dir=",
        "VGP_DATA_DIR",
    ):
        assert part in message


def test_a_folder_that_cannot_be_written(tmp_path: Path, published: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=rf"cannot write CIFAR-10 to {tmp_path / 'file'}"):
        cifar10.load(tmp_path / "file")
