"""Folders of image files: what is read, what is kept in the cache, and what is said when a folder is no good."""

import json
import logging
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from tests.data_fixtures import unpacked_cifar10_jpeg, write_image
from vgp_bench.data import decoding, image_folder
from vgp_bench.errors import ConfigError, DataError

PER_CLASS = 10


def pixels_of(part: str, label: int, index: int, size: int = 6) -> np.ndarray:
    """Random pixels with a signature: red of the first pixel is the class, green the index, blue the part."""
    random = np.random.RandomState(1000 * label + index)
    pixels = random.randint(0, 256, (size, size, 3)).astype(np.uint8)
    pixels[0, 0] = (label, index, len(part))
    return pixels


def write_part(folder: Path, part: str, classes: tuple[str, ...] = ("cat", "dog")) -> None:
    for label, name in enumerate(classes):
        for index in range(PER_CLASS):
            write_image(folder / name / f"{index}.png", pixels_of(part, label, index))


@pytest.fixture
def two_parts(tmp_path: Path) -> Path:
    write_part(tmp_path / "pets" / "train", "train")
    write_part(tmp_path / "pets" / "test", "test")
    return tmp_path


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files decoded since the start of the test."""
    files: list[str] = []
    genuine = decoding.decode_image

    def counted(file: str, *options: object) -> np.ndarray:
        files.append(file)
        return genuine(file, *options)  # type: ignore[arg-type]

    monkeypatch.setattr(decoding, "decode_image", counted)
    return files


def only_entry(data_dir: Path) -> Path:
    (entry,) = [path for path in (data_dir / "cache").iterdir() if not path.name.startswith(".")]
    return entry


def test_train_and_test_folders(two_parts: Path) -> None:
    data = image_folder.load(two_parts, "pets", crop_padding=2, flip=True)
    assert data.classes == ("cat", "dog")
    assert data.image_shape == (3, 6, 6)
    assert [len(data.train), len(data.validation), len(data.test)] == [18, 2, 20]
    assert (data.augmentation.crop_padding, data.augmentation.flip) == (2, True)
    for split, part in ((data.train, "train"), (data.validation, "train"), (data.test, "test")):
        for image, label in zip(split.images, split.labels.tolist(), strict=True):
            red, green, blue = image[:, 0, 0].tolist()
            assert (red, blue) == (label, len(part))
            assert torch.equal(image, torch.from_numpy(pixels_of(part, label, green)).permute(2, 0, 1))


def test_val_stands_in_for_test_and_the_path_may_be_absolute(tmp_path: Path) -> None:
    write_part(tmp_path / "elsewhere" / "train", "train")
    write_part(tmp_path / "elsewhere" / "val", "val")
    data = image_folder.load(tmp_path / "data", str(tmp_path / "elsewhere"))
    assert len(data.test) == 20
    assert set(data.test.images[:, 2, 0, 0].tolist()) == {len("val")}


def test_a_single_tree_is_split_three_ways_without_overlap(tmp_path: Path) -> None:
    write_part(tmp_path / "pets", "all")
    data = image_folder.load(tmp_path, "pets", test_fraction=0.25, validation_size=3)
    assert [len(data.train), len(data.validation), len(data.test)] == [12, 3, 5]
    seen = [
        (label, image[1, 0, 0].item())
        for split in (data.train, data.validation, data.test)
        for image, label in zip(split.images, split.labels.tolist(), strict=True)
    ]
    assert sorted(seen) == [(label, index) for label in range(2) for index in range(PER_CLASS)]
    again = image_folder.load(tmp_path, "pets", test_fraction=0.25, validation_size=3, split_seed=1)
    assert torch.equal(again.test.images, data.test.images)
    assert not torch.equal(again.validation.images, data.validation.images)


def test_grey_and_colour(tmp_path: Path) -> None:
    grey = np.arange(36, dtype=np.uint8).reshape(6, 6)
    for name in ("a", "b"):
        for index in range(3):
            write_image(tmp_path / "grey" / name / f"{index}.png", grey)
    one = image_folder.load(tmp_path, "grey", channels=1)
    assert torch.equal(one.train.images[0, 0], torch.from_numpy(grey))
    three = image_folder.load(tmp_path, "grey", channels=3)
    assert torch.equal(three.train.images[0], torch.from_numpy(grey).expand(3, 6, 6))


def test_image_size_is_torchvisions_resize_and_center_crop(tmp_path: Path) -> None:
    twin = transforms.Compose([transforms.Resize(4), transforms.CenterCrop(4), transforms.PILToTensor()])
    pictures = {
        "wide": np.random.RandomState(0).randint(0, 256, (8, 16, 3)).astype(np.uint8),
        "tall": np.random.RandomState(1).randint(0, 256, (16, 8, 3)).astype(np.uint8),
    }
    for name, picture in pictures.items():
        for index in range(3):
            write_image(tmp_path / "unequal" / name / f"{index}.png", picture)
    data = image_folder.load(tmp_path, "unequal", image_size=4)
    for image, label in zip(data.train.images, data.train.labels.tolist(), strict=True):
        expected = twin(Image.fromarray(pictures[data.classes[label]]))
        assert torch.allclose(image.float(), expected.float(), atol=1)  # the two round at different places
    assert set(data.train.labels.tolist()) == {0, 1}


def test_the_second_load_decodes_nothing(two_parts: Path, decoded: list[str]) -> None:
    first = image_folder.load(two_parts, "pets")
    assert len(set(decoded)) == 40
    decoded.clear()
    second = image_folder.load(two_parts, "pets", train_size=10, split_seed=0, crop_padding=1)
    assert decoded == []
    assert torch.equal(second.validation.images, first.validation.images)
    assert torch.equal(second.test.images, first.test.images)


@pytest.mark.parametrize("change", ["touch", "content", "add", "remove", "rename"])
def test_a_changed_folder_is_decoded_again(two_parts: Path, decoded: list[str], change: str) -> None:
    image_folder.load(two_parts, "pets")
    decoded.clear()
    file = two_parts / "pets" / "train" / "cat" / "3.png"
    if change == "touch":
        os.utime(file, ns=(1, 1))
    elif change == "content":
        before = file.stat()
        write_image(file, np.zeros((6, 6, 3), np.uint8))
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif change == "add":
        write_image(file.with_name("99.png"), pixels_of("train", 0, 99))
    elif change == "remove":
        file.unlink()
    else:
        file.rename(file.with_name("33.png"))
    image_folder.load(two_parts, "pets")
    assert len(set(decoded)) in (39, 40, 41)


def test_other_pixels_have_another_entry(two_parts: Path, decoded: list[str]) -> None:
    assert image_folder.load(two_parts, "pets").image_shape == (3, 6, 6)
    assert image_folder.load(two_parts, "pets", channels=1).image_shape == (1, 6, 6)
    assert image_folder.load(two_parts, "pets", image_size=4).image_shape == (3, 4, 4)
    decoded.clear()
    assert image_folder.load(two_parts, "pets").image_shape == (3, 6, 6)
    assert decoded == []


def test_twin_folders_do_not_share_an_entry(two_parts: Path) -> None:
    # Archives are often packed with all times equal, and uncompressed images are all of one size.
    for name, value in (("one", 10), ("two", 20)):
        for label in ("a", "b"):
            for index in range(3):
                file = two_parts / name / label / f"{index}.bmp"
                write_image(file, np.full((4, 4, 3), value, np.uint8))
                os.utime(file, ns=(0, 0))
    assert image_folder.load(two_parts, "one").train.images.unique().tolist() == [10]
    assert image_folder.load(two_parts, "two").train.images.unique().tolist() == [20]


@pytest.mark.parametrize("damage", ["flip", "cut", "no pixels", "no checksum", "odd checksum", "pickle"])
def test_a_damaged_entry_is_built_again(two_parts: Path, decoded: list[str], damage: str) -> None:
    first = image_folder.load(two_parts, "pets")
    decoded.clear()
    pixels, checksum = only_entry(two_parts) / "pixels.npy", only_entry(two_parts) / "checksum.json"
    content = bytearray(pixels.read_bytes())
    if damage == "flip":
        content[-1] ^= 1
        pixels.write_bytes(content)
    elif damage == "cut":
        pixels.write_bytes(content[:-10])
    elif damage == "no pixels":
        pixels.unlink()
    elif damage == "no checksum":
        checksum.unlink()
    elif damage == "odd checksum":
        checksum.write_text("[]")
    else:
        import hashlib

        np.save(pixels, np.array([{}], dtype=object), allow_pickle=True)
        checksum.write_text(json.dumps({"sha256": hashlib.sha256(pixels.read_bytes()).hexdigest()}))
    second = image_folder.load(two_parts, "pets")
    assert len(set(decoded)) == 40
    assert torch.equal(second.train.images, first.train.images)
    decoded.clear()
    image_folder.load(two_parts, "pets")
    assert decoded == []


def test_a_kill_while_writing_leaves_no_entry(two_parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(np, "save", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            image_folder.load(two_parts, "pets")
    assert [path for path in (two_parts / "cache").iterdir() if not path.name.endswith(".lock")] == []
    image_folder.load(two_parts, "pets")
    # And what a harder kill leaves is swept up by the next one who builds the entry.
    entry = only_entry(two_parts)
    left_over = entry.rename(entry.with_name(f".{entry.name}.partial"))
    image_folder.load(two_parts, "pets")
    assert (only_entry(two_parts) / "pixels.npy").is_file()
    assert not left_over.exists()


def test_without_a_writable_data_dir_it_works_and_says_so(two_parts: Path, caplog: pytest.LogCaptureFixture) -> None:
    (two_parts / "file").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        data = image_folder.load(two_parts / "file", str(two_parts / "pets"))
    assert len(data.test) == 20
    assert "cannot write" in caplog.text


def refused(data_dir: Path, folder: str | None = "pets", **options: Any) -> str:
    with pytest.raises((DataError, ConfigError)) as raised:
        image_folder.load(data_dir, folder, **options)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_no_folder_named(tmp_path: Path) -> None:
    assert "dataset=image_folder needs dataset.folder=PATH" in refused(tmp_path, None)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert f"{tmp_path / 'pets'} does not exist" in refused(tmp_path)


def test_a_folder_without_class_folders(tmp_path: Path) -> None:
    write_image(tmp_path / "pets" / "0.png", pixels_of("", 0, 0))
    assert f"{tmp_path / 'pets'} needs a folder for each" in refused(tmp_path)
    write_image(tmp_path / "pets" / "cat" / "0.png", pixels_of("", 0, 0))
    assert "found only cat/" in refused(tmp_path)


def test_a_class_without_images_is_named(two_parts: Path) -> None:
    empty = two_parts / "pets" / "test" / "dog"
    shutil.rmtree(empty)
    empty.mkdir()
    (empty / "notes.txt").write_text("no dogs yet")
    assert f"class folder {empty} has no images" in refused(two_parts)


def test_hidden_folders_are_no_classes(two_parts: Path) -> None:
    (two_parts / "pets" / "train" / ".ipynb_checkpoints").mkdir()
    assert image_folder.load(two_parts, "pets").classes == ("cat", "dog")


def test_different_classes_are_named(two_parts: Path) -> None:
    (two_parts / "pets" / "test" / "dog").rename(two_parts / "pets" / "test" / "wolf")
    message = refused(two_parts)
    assert "only in train/: dog" in message
    assert "only in test/: wolf" in message


def test_train_without_test(two_parts: Path) -> None:
    shutil.rmtree(two_parts / "pets" / "test")
    assert f"dataset.folder={two_parts / 'pets' / 'train'}" in refused(two_parts)


@pytest.mark.parametrize("content", [b"", b"no image", "cut"])
def test_an_undecodable_file_is_named(two_parts: Path, content: bytes | str) -> None:
    file = two_parts / "pets" / "train" / "dog" / "7.png"
    file.write_bytes(file.read_bytes()[:60] if isinstance(content, str) else content)
    assert f"{file} cannot be read as an image" in refused(two_parts)
    assert not [path for path in (two_parts / "cache").iterdir() if path.is_dir()]


def test_16_bit_pixels_are_refused_not_clipped(two_parts: Path) -> None:
    file = two_parts / "pets" / "train" / "dog" / "7.png"
    write_image(file, np.full((6, 6), 40_000, np.uint16))
    assert f"{file} has more than 8 bits per pixel" in refused(two_parts)


def test_unequal_sizes_name_two_files(two_parts: Path) -> None:
    file = two_parts / "pets" / "train" / "dog" / "7.png"
    write_image(file, np.zeros((5, 9, 3), np.uint8))
    message = refused(two_parts)
    assert f"{two_parts / 'pets' / 'train' / 'cat' / '0.png'} is 6x6" in message
    assert f"{file} is 9x5" in message
    assert "dataset.image_size=" in message
    assert image_folder.load(two_parts, "pets", image_size=6).image_shape == (3, 6, 6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test_fraction": 0.0}, "dataset.test_fraction=0.0"),
        ({"test_fraction": 1.0}, "dataset.test_fraction=1.0"),
        ({"image_size": 0}, "dataset.image_size=0"),
        ({"channels": 4}, "dataset.channels=4"),
        ({"train_size": 19}, "18 training images"),
    ],
)
def test_impossible_options(two_parts: Path, options: dict[str, Any], message: str) -> None:
    assert message in refused(two_parts, **options)


def test_large_files_are_decoded_by_threads_in_the_same_order(tmp_path: Path) -> None:
    files = []
    for index in range(150):  # more than one task of files, each too large for a single thread
        file = tmp_path / f"{index}.bmp"
        write_image(file, np.full((80, 80, 3), index, np.uint8))
        files.append(str(file))
    pixels = decoding.decode_images(files, None, 3)
    assert pixels.shape == (150, 3, 80, 80)
    assert np.array_equal(pixels[:, 0, 0, 0], np.arange(150))


@pytest.mark.data
def test_the_real_cifar10_as_jpegs() -> None:
    folder = unpacked_cifar10_jpeg()
    data = image_folder.load(folder.parent, folder.name, crop_padding=4, flip=True)
    assert [len(data.train), len(data.validation), len(data.test)] == [45_000, 5_000, 10_000]
    assert data.image_shape == (3, 32, 32)
    names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    assert data.classes == names
    assert data.test.labels.bincount().tolist() == [1000] * 10
    assert torch.cat([data.train.labels, data.validation.labels]).bincount().tolist() == [5000] * 10
    # Published mean of the original training images; JPEG moves it little.
    assert torch.allclose(data.mean, torch.tensor([0.4914, 0.4822, 0.4465]), atol=0.002)
