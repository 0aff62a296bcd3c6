"""CIFAR-100 through torchvision, with a small archive in the genuine format and with its own checksums."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import datasets

from tests.data_fixtures import NOWHERE, write_cifar_archive
from vgp_bench.data import cifar100
from vgp_bench.errors import DataError

FOLDER, ARCHIVE = "cifar-100-python", "cifar-100-python.tar.gz"
SIZES = {"train": 200, "test": 100}


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The archive in tmp_path, its checksums known to torchvision, and no network."""
    batches: dict[str, dict[str, object]] = {
        name: {
            "data": pixels(name).reshape(count, 3 * 32 * 32),  # the format: all red, all green, all blue
            "fine_labels": [i % 100 for i in range(count)],
            "coarse_labels": [i % 20 for i in range(count)],
        }
        for name, count in SIZES.items()
    }
    batches["meta"] = {
        "fine_label_names": [f"fine {i}" for i in range(100)],
        "coarse_label_names": [f"coarse {i}" for i in range(20)],
    }
    archive_md5, checksums = write_cifar_archive(tmp_path / ARCHIVE, batches, FOLDER)
    cls = datasets.CIFAR100
    monkeypatch.setattr(cls, "tgz_md5", archive_md5)
    monkeypatch.setattr(cls, "train_list", [["train", checksums["train"]]])
    monkeypatch.setattr(cls, "test_list", [["test", checksums["test"]]])
    monkeypatch.setattr(cls, "meta", {**cls.meta, "md5": checksums["meta"]})
    monkeypatch.setattr(cls, "url", NOWHERE + ARCHIVE)
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path


def pixels(name: str) -> np.ndarray:
    return np.random.RandomState(len(name)).randint(0, 256, (SIZES[name], 3, 32, 32)).astype(np.uint8)


def test_an_archive_is_unpacked_and_read_with_its_fine_labels(published: Path) -> None:
    data = cifar100.load(published, validation_size=20)
    assert [len(data.train), len(data.validation), len(data.test)] == [180, 20, 100]
    assert data.classes == tuple(f"fine {i}" for i in range(100))
    assert data.test.labels.tolist() == list(range(100))
    assert torch.equal(data.test.images, torch.from_numpy(pixels("test")))
    assert data.augmentation.flip
    assert (published / FOLDER / "train").is_file()


@pytest.mark.parametrize("name", ["train", "test", "meta"])
def test_a_damaged_batch_file_is_named_and_never_unpickled(published: Path, name: str) -> None:
    cifar100.load(published, validation_size=20)
    damaged, trace = published / FOLDER / name, published / "unpickled"
    damaged.write_bytes(f"cos\nsystem\n(S'touch {trace}'\ntR.".encode())
    with pytest.raises(DataError, match=rf"damaged: {damaged} .*; delete it and run again"):
        cifar100.load(published, validation_size=20)
    assert not trace.exists()


def test_missing_and_offline_says_what_to_put_where(published: Path) -> None:
    nothing = published / "nothing"
    with pytest.raises(DataError) as raised:
        cifar100.load(nothing)
    message = str(raised.value)
    assert "\n" not in message
    assert f"put {ARCHIVE} into {nothing}, or unpacked train, test, meta into {nothing / FOLDER}" in message
    assert "CIFAR-100 is not in" in message
    assert "data_dir=" in message
    assert "VGP_DATA_DIR" in message
